/** The files of a boot server that its configurations name. */
export interface BootServerFiles {
  readonly dnsmasqPid: string;
  readonly nginxPid: string;
  /** For bodies of requests, of which there are none, but nginx wants the folder, and as its user's own. */
  readonly nginxTemp: string;
  readonly nginxAccessLog: string;
  readonly nginxErrorLog: string;
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
    nginxErrorLog: `/var/log/bramble/${site}/http-errors.log`,
    leases: `/var/lib/bramble/${site}/leases`,
  };
}
