/** The files of a boot server that its configurations name. */
export interface BootServerFiles {
  readonly dnsmasqPid: string;
  readonly nginxPid: string;
  /** For bodies of requests, of which there are none, but nginx wants the folder, and as its user's own. */
  readonly nginxTemp: string;
  readonly nginxAccessLog: string;
  /** Which board got its system when; the identity service asks it. */
  readonly nginxBootLog: string;
  readonly nginxErrorLog: string;
  /** Boards' SSH host keys and certificates, one archive for each. */
  readonly identities: string;
  /** Where dnsmasq remembers the addresses that it gave, in mode `own`. */
  readonly leases: string;
}

/** Where they are for one site; guest/boot-server-names.sh has the same folders and names. */
export function bootServerFiles(site: string): BootServerFiles {
  return {
    dnsmasqPid: `/run/bramble/${site}/dnsmasq.pid`,
    nginxPid: `/run/bramble/${site}/nginx.pid`,
    nginxTemp: `/run/bramble/${site}/nginx-temp`,
    nginxAccessLog: `/var/log/bramble/${site}/http.log`,
    nginxBootLog: `/var/log/bramble/${site}/boots.log`,
    nginxErrorLog: `/var/log/bramble/${site}/http-errors.log`,
    identities: `/var/lib/bramble/${site}/identities`,
    leases: `/var/lib/bramble/${site}/leases`,
  };
}

/** The port on which boards ask for their identity: the one after that of HTTP. @throws Error where there is none. */
export function identityPort(httpPort: number): number {
  if (httpPort < 65_535) return httpPort + 1;
  throw new Error(
    "httpPort: 65535 leaves no port for the boards' identities, which are on the next one: give a lower one",
  );
}

/** What a board asks for its identity. */
export function identityUrl(address: string, httpPort: number): string {
  return `http://${address}:${identityPort(httpPort)}/cgi-bin/identity`;
}
