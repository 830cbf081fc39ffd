import { chmod, copyFile, mkdir } from "node:fs/promises";
import { buildGo, type GoBuild } from "./build.ts";
import { cliPrograms, copyPlugin, copyTerraformProvider, linkPulumi, terraformProviderPath } from "./found.ts";
import { thisMachine } from "./places.ts";
import type { How } from "./record.ts";
import { type Address, unpackRelease } from "./vendor.ts";
import { versions } from "./versions.ts";
import type { Workshop } from "./workshop.ts";

/** One part of the engine: what it is, and the ways to get it in the order in which they are tried. */
export interface Piece {
  id: "cli" | "command" | "bridge" | "libvirt";
  title: string;
  version: string;
  /** What it owns in the engine's folder, and is replaced as a whole. */
  paths: readonly string[];
  ways: readonly Way[];
}

/** One way to get a piece. */
export interface Way {
  how: How;
  /** What it is made from, besides the sources of `builds`: another text makes the piece anew. */
  recipe: string;
  builds: readonly GoBuild[];
  /** How long it usually takes: seconds on two cores, from empty caches (measured), or a guess for downloads. */
  usualSeconds: number;
  /** Puts the piece's paths into the folder `stage`; answers in words where they came from. */
  make: (stage: string, shop: Workshop) => Promise<string>;
}

/** The pieces of the engine. `stockLibvirt` asks for the libvirt provider as its makers publish it. */
export function enginePieces(stockLibvirt: boolean): Piece[] {
  return [cli(), commandPlugin(), bridgePlugin(), stockLibvirt ? stockLibvirtProvider() : lateLibvirtProvider()];
}

const sdkVersion = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

function cli(): Piece {
  const { os, pulumiArch } = thisMachine();
  const version = versions.pulumi;
  const pulumi: GoBuild = {
    module: "cli",
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    tags: "osusergo,grpcnotrace",
    variables: [`${sdkVersion}=v${version}`],
  };
  const languageHost: GoBuild = {
    module: "language-nodejs",
    package: "github.com/pulumi/pulumi/sdk/nodejs/cmd/pulumi-language-nodejs/v3",
    variables: [`${sdkVersion}=v${versions.languageHost}`],
  };
  return {
    id: "cli",
    title: `Pulumi ${version}`,
    version,
    paths: cliPrograms.map((program) => `bin/${program}`),
    ways: [
      found("pulumi", (stage, shop) => linkPulumi(`${stage}/bin`, shop)),
      downloaded(version, 30, async (stage, shop) => {
        const unpacked = await shop.makeTemp("pulumi");
        const release = {
          archive: `pulumi-v${version}-${os}-${pulumiArch}.tar.gz`,
          addresses: [
            { url: github("pulumi", version), checksums: `pulumi-${version}-checksums.txt` },
            { url: "https://get.pulumi.com/releases/sdk" },
          ],
          strip: 1,
        };
        const from = await unpackRelease(release, unpacked, shop);
        await mkdir(`${stage}/bin`, { recursive: true });
        for (const program of cliPrograms) await copyFile(`${unpacked}/${program}`, `${stage}/bin/${program}`);
        return from;
      }),
      built([pulumi, languageHost], 190, async (stage, shop) => {
        await bothDone(
          buildGo(pulumi, `${stage}/bin/pulumi`, shop),
          buildGo(languageHost, `${stage}/bin/pulumi-language-nodejs`, shop),
        );
        // The host of dynamic providers is a script; npm has brought it.
        const script = "pulumi-resource-pulumi-nodejs";
        await copyFile(`${shop.places.project}/node_modules/@pulumi/pulumi/${script}`, `${stage}/bin/${script}`);
        await chmod(`${stage}/bin/${script}`, 0o755);
      }),
    ],
  };
}

function commandPlugin(): Piece {
  const version = versions.command;
  return plugin("command", "command", version, {
    // Checksum files as GoReleaser names them where, as here and below, its settings do not.
    addresses: [
      { url: github("pulumi-command", version), checksums: `pulumi-command_${version}_checksums.txt` },
      { url: "https://get.pulumi.com/releases/plugins" },
    ],
    build: {
      module: "command",
      package: "github.com/pulumi/pulumi-command/provider/cmd/pulumi-resource-command",
      variables: [`github.com/pulumi/pulumi-command/provider/pkg/version.Version=${version}`],
    },
    buildSeconds: 40,
  });
}

function bridgePlugin(): Piece {
  const version = versions.bridge;
  const repository = "pulumi-terraform-provider";
  return plugin("bridge", "terraform-provider", version, {
    addresses: [{ url: github(repository, version), checksums: `${repository}_${version}_checksums.txt` }],
    build: {
      module: "bridge",
      package: "github.com/pulumi/pulumi-terraform-bridge/v3/dynamic",
      variables: [`github.com/pulumi/pulumi-terraform-bridge/v3/dynamic/version.version=v${version}`],
    },
    buildSeconds: 115,
  });
}

function plugin(
  id: Piece["id"],
  name: string,
  version: string,
  source: { addresses: readonly Address[]; build: GoBuild; buildSeconds: number },
): Piece {
  const { os, goArch } = thisMachine();
  const program = `pulumi-resource-${name}`;
  const folder = `resource-${name}-v${version}`;
  const path = `home/plugins/${folder}`;
  const archive = `${program}-v${version}-${os}-${goArch}.tar.gz`;
  const release = { archive, addresses: source.addresses, strip: 0 };
  return {
    id,
    title: `plugin ${name} ${version}`,
    version,
    paths: [path],
    ways: [
      found(folder, (stage, shop) => copyPlugin(folder, program, `${stage}/${path}`, shop)),
      downloaded(version, 20, (stage, shop) => unpackRelease(release, `${stage}/${path}`, shop)),
      built([source.build], source.buildSeconds, (stage, shop) =>
        buildGo(source.build, `${stage}/${path}/${program}`, shop),
      ),
    ],
  };
}

function github(repository: string, version: string): string {
  return `https://github.com/pulumi/${repository}/releases/download/v${version}`;
}

/** The project's own build of the libvirt provider, which connects only when an operation needs the host. */
function lateLibvirtProvider(): Piece {
  const build: GoBuild = { module: "libvirt", package: "." };
  const { path, title, ...piece } = libvirtPiece();
  return {
    ...piece,
    title: `${title} (connects late)`,
    ways: [built([build], 25, (stage, shop) => buildGo(build, `${stage}/${path}`, shop))],
  };
}

/** The provider as its makers publish it. With a network, Pulumi's bridge fetches it at the first use. */
function stockLibvirtProvider(): Piece {
  const build: GoBuild = { module: "libvirt", package: "github.com/dmacvicar/terraform-provider-libvirt" };
  const registry = "https://registry.opentofu.org";
  const { path, title, ...piece } = libvirtPiece();
  return {
    ...piece,
    title: `${title} (stock)`,
    ways: [
      found("stock", async (stage, shop) => {
        await mkdir(`${stage}/${path}/..`, { recursive: true });
        return copyTerraformProvider(terraformProviderPath(versions.libvirt), `${stage}/${path}`, shop);
      }),
      downloaded("stock", 5, async (_stage, shop) => {
        await shop.reach(registry, shop.signal);
        return `${registry}, fetched by Pulumi's bridge at the first use`;
      }),
      built([build], 25, (stage, shop) => buildGo(build, `${stage}/${path}`, shop)),
    ],
  };
}

function libvirtPiece() {
  const path = `home/dynamic_tf_plugins/${terraformProviderPath(versions.libvirt)}`;
  const title = `libvirt provider ${versions.libvirt}`;
  return { id: "libvirt", title, version: versions.libvirt, paths: [path], path } as const;
}

/** Like Promise.all, but a failure is told only when nothing runs any more that writes files. */
async function bothDone(...builds: Promise<void>[]): Promise<void> {
  await Promise.allSettled(builds);
  await Promise.all(builds);
}

function found(recipe: string, make: Way["make"]): Way {
  return { how: "found", recipe, builds: [], usualSeconds: 1, make };
}

function downloaded(recipe: string, usualSeconds: number, make: Way["make"]): Way {
  return { how: "downloaded", recipe, builds: [], usualSeconds, make };
}

function built(
  builds: readonly GoBuild[],
  usualSeconds: number,
  make: (stage: string, shop: Workshop) => Promise<void>,
): Way {
  return {
    how: "built",
    recipe: JSON.stringify(builds),
    builds,
    usualSeconds,
    make: async (stage, shop) => {
      await make(stage, shop);
      return builds.map(({ module }) => `engine/${module}`).join(", ");
    },
  };
}
