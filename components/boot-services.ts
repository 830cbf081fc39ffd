import type { local } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import { type BootDhcp, dnsmasqConf } from "../formats/dnsmasq-conf.ts";
import { nginxConf } from "../formats/nginx-conf.ts";
import { bootServerFiles } from "../providers/steps/boot-server-files.ts";
import type { TreePlace } from "../providers/tftp-tree/inputs.ts";
import type { Boot, Network } from "../site/model.ts";
import { remoteStep } from "./remote-step.ts";

export interface BootServicesArgs {
  readonly boot: Boot;
  readonly network: Network;
  /** Whose files these are; written beside them, so that no other site uses the same folders. */
  readonly owner: TreePlace["owner"];
  /** How files are put on the machine. */
  readonly reached: TreePlace["server"];
  /** OpenSSH private key that logs in to it. */
  readonly deployKey: string;
}

/** dnsmasq and nginx on the boot server, with the site's configuration, in service units of their own. */
export function bootServices(
  name: string,
  args: BootServicesArgs,
  options: pulumi.CustomResourceOptions,
): local.Command {
  const { boot, network, owner, reached } = args;
  const { address, tftpRoot, httpRoot, httpPort, dhcp } = boot.server;
  const files = bootServerFiles(owner.site);
  return remoteStep(
    name,
    {
      step: "boot-server",
      show: {
        bootServer: JSON.stringify({
          ...reached,
          site: owner.site,
          siteId: owner.id,
          tftpRoot,
          httpRoot,
          tftpAddress: address,
          httpPort,
          dhcp,
        }),
        dnsmasqConf: dnsmasqConf({
          address,
          tftpRoot,
          pidFile: files.dnsmasqPid,
          dhcp: dhcpOf(boot, network, owner.site),
        }),
        nginxConf: nginxConf({
          address,
          port: httpPort,
          root: httpRoot,
          boards: tftpRoot,
          pidFile: files.nginxPid,
          accessLog: files.nginxAccessLog,
          bootLog: files.nginxBootLog,
          errorLog: files.nginxErrorLog,
          tempFolder: files.nginxTemp,
        }),
      },
      hide: { sshKey: args.deployKey },
      machines: [],
      remove: true,
    },
    options,
  );
}

function dhcpOf({ server, boards }: Boot, { cidr, prefixLength, gateway, dns }: Network, site: string): BootDhcp {
  const network = { address: cidr.split("/")[0] ?? "", prefixLength };
  switch (server.dhcp) {
    case "router":
      return { mode: "router" };
    case "proxy":
      return { mode: "proxy", network, boards };
    case "own":
      return {
        mode: "own",
        network,
        ...(gateway === undefined ? {} : { gateway }),
        dns,
        ...(server.leases === undefined ? {} : { leases: server.leases }),
        leaseFile: bootServerFiles(site).leases,
        boards: boards.map(({ name, mac, address }) => ({ mac, address, hostname: name })),
      };
  }
}
