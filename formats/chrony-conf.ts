/** Where a guest takes the time from. */
export interface ChronyConf {
  /** Names or addresses of time servers; none: the machine's own clock counts. */
  readonly servers: readonly string[];
  /** Networks that may ask this machine, such as `10.20.0.0/24`. */
  readonly allow: readonly string[];
}

/**
 * The text of chrony.conf (chrony.conf(5)). The clock is stepped at any time when it is off by a second or more: a
 * guest that was paused must not walk back for hours, and munge refuses what is five minutes off. A machine that
 * others may ask answers also when it reaches no server itself.
 */
export function chronyConf(conf: ChronyConf): string {
  return [
    "# Written by Bramble; changes are overwritten.",
    ...conf.servers.map((server) => `server ${server} iburst`),
    ...conf.allow.map((network) => `allow ${network}`),
    ...(conf.allow.length > 0 ? ["local stratum 10"] : []),
    "driftfile /var/lib/chrony/drift",
    "makestep 1 -1",
    "rtcsync",
    "",
  ].join("\n");
}
