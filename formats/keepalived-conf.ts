import { checkedIpv4, checkedNumber, checkedPath } from "./server-values.ts";

/** One of the servers that hold an address between them: exactly one has it while any of them is well. */
export interface KeepalivedConf {
  /** The host name of this server. */
  readonly name: string;
  /** The network interface that the address is put on. */
  readonly interface: string;
  readonly address: string;
  readonly prefixLength: number;
  /** This server's own address. */
  readonly self: string;
  /** Those of all others that there can ever be, at least one; nobody else is listened to. */
  readonly peers: readonly string[];
  /** A program without arguments that ends with 0 while this server may have the address. */
  readonly check: string;
  readonly patience: CheckPatience;
}

/** When the program's answers count. */
export interface CheckPatience {
  /** Seconds from one start of it to the next. */
  readonly interval: number;
  /** Seconds after which it counts as failed. */
  readonly timeout: number;
  /** How many times in a row it fails, or is well, before that is believed. */
  readonly fall: number;
  readonly rise: number;
}

/** Any will do: adverts go to the named peers only, so no other group hears them. */
const virtualRouter = 51;

/**
 * The text of /etc/keepalived/keepalived.conf for keepalived 2.2 and later (keepalived.conf(5)). The address stays where
 * it is while that server is well, also when another comes back: each move cuts the connections of all who use it.
 * Throws Error, which names the field that cannot stand in it.
 */
export function keepalivedConf(conf: KeepalivedConf): string {
  const peers = [...new Set(conf.peers)].map((peer) => checkedIpv4("peers", peer));
  if (peers.length === 0) throw new Error("peers: there are none: without any, adverts would go to the whole network");
  if (peers.includes(conf.self)) throw new Error(`peers: ${conf.self} is this server itself`);
  const { interval, timeout, fall, rise } = conf.patience;
  const address = `${checkedIpv4("address", conf.address)}/${checkedNumber("prefixLength", conf.prefixLength, 1, 32)}`;
  const nic = checkedWord("interface", conf.interface, /^[A-Za-z0-9_.-]{1,15}$/);
  return `# Written by Bramble; changes are overwritten.
global_defs {
  router_id ${checkedWord("name", conf.name, /^[a-z0-9-]{1,63}$/)}
  enable_script_security
  script_user root
  vrrp_check_unicast_src
  vrrp_garp_master_refresh 60
}
vrrp_script well {
  script "${checkedPath("check", conf.check)}"
  interval ${checkedNumber("interval", interval, 1, 3600)}
  timeout ${checkedNumber("timeout", timeout, 1, interval)}
  fall ${checkedNumber("fall", fall, 1, 100)}
  rise ${checkedNumber("rise", rise, 1, 100)}
  init_fail
}
vrrp_instance endpoint {
  state BACKUP
  nopreempt
  interface ${nic}
  virtual_router_id ${virtualRouter}
  priority 100
  advert_int 1
  unicast_src_ip ${checkedIpv4("self", conf.self)}
  unicast_peer {
${peers.map((peer) => `    ${peer}\n`).join("")}  }
  virtual_ipaddress {
    ${address} dev ${nic}
  }
  track_script {
    well
  }
}
`;
}

function checkedWord(field: string, word: string, pattern: RegExp): string {
  if (pattern.test(word)) return word;
  throw new Error(`${field}: ${JSON.stringify(word)} cannot stand in keepalived.conf`);
}
