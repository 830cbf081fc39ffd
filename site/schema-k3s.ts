import * as z from "zod";
import { choice, cidr, count, disk, duration, ipv4, name, range, reason, text } from "./fields.ts";
import { labelKeyPattern, labelValuePattern, parseLabelKey, parseLabelValue, parseTaint } from "./kubernetes-names.ts";
import { groupNamePattern, parseGroupName } from "./names.ts";
import { type Parsed, show } from "./problem.ts";
import { k3sConfig } from "./schema-k3s-config.ts";
import { k3sRegistries } from "./schema-k3s-registries.ts";
import { cpus, disposable, host, hosts, systemDisk, vmMemory } from "./schema-machines.ts";

/** What a site file says of a k3s cluster. */

const versionPattern = "^v1\\.(0|[1-9][0-9]{0,2})\\.(0|[1-9][0-9]{0,2})\\+k3s[1-9][0-9]{0,2}$";

const agentGroupName = () => text("bad-name", groupNamePattern, ["n"], parseAgentGroupName);
const labelKey = () => text("bad-label", labelKeyPattern, ["disk"], parseLabelKey);
const labelValue = () => text("bad-label", labelValuePattern, ["ssd"], parseLabelValue);
const taint = () => text("bad-taint", undefined, ["gpu=yes:NoSchedule"], parseTaint);

const servers = z
  .strictObject({
    count: count(0, 5).meta({
      description: "How many there are now: 1, or 3 or 5, of which 1 or 2 may be lost",
      examples: [3],
    }),
    addresses: range().meta({
      description: "Their addresses; the length of the range is the most there can ever be",
    }),
    memory: vmMemory,
    cpus: cpus(2),
    disk: systemDisk("4GiB"),
    data: disk(4).prefault("8GiB").meta({
      description: "Data disk of each, for the cluster's state and what pods leave there; it outlives the VM",
    }),
    host,
    hosts,
  })
  .meta({
    description: "The VMs that run the API and hold the cluster's state; they run pods too",
    examples: [{ count: 1, memory: "2GiB", addresses: "10.20.0.21-10.20.0.25" }],
  });

const agentGroup = z
  .strictObject({
    count: count(0, 1024).meta({ description: "How many there are now" }),
    addresses: range().meta({
      description: "Their addresses; the length of the range is the most the group can grow to",
    }),
    memory: vmMemory,
    cpus: cpus(1),
    disk: systemDisk("8GiB"),
    host,
    hosts,
    labels: z
      .record(labelKey(), labelValue())
      .default({})
      .meta({ description: "Labels of the nodes, by which pods choose them", examples: [{ disk: "ssd" }] }),
    taints: z
      .array(taint())
      .max(32)
      .default([])
      .meta({ description: "Taints of the nodes, which keep pods away that do not tolerate them: KEY=VALUE:EFFECT" }),
  })
  .meta({ description: "Agents that are alike" });

export const k3sCluster = z
  .strictObject({
    type: choice("k3s").meta({ description: "What kind of cluster" }),
    version: text("bad-version", versionPattern, ["v1.35.0+k3s3"], parseVersion).meta({
      description: "The release of k3s, which is pinned in stacks/artifacts.lock.json",
    }),
    endpoint: ipv4("10.20.0.20").optional().meta({
      description:
        "An address of the API that moves to another server when one is lost. Needed with 3 or 5 servers. Left out: that of the only server",
    }),
    servers,
    agents: z
      .record(agentGroupName(), agentGroup)
      .default({})
      .meta({
        description: "Agent groups by name; the third VM of group n of cluster c is c-n3",
        examples: [{ n: { count: 2 } }],
      }),
    pods: cidr().prefault("10.42.0.0/16").meta({ description: "Network of the pods; it can't be changed later" }),
    services: cidr()
      .prefault("10.43.0.0/16")
      .meta({ description: "Network of the services; it can't be changed later" }),
    config: z
      .strictObject({
        servers: k3sConfig.servers.prefault({}),
        agents: k3sConfig.agents.prefault({}),
      })
      .prefault({})
      .meta({ description: "Keys of k3s's own config.yaml, added to those that Bramble writes" }),
    registries: k3sRegistries.optional(),
    storage: name("shelf").optional().meta({
      description: "The `storage` of the site on which pods get volumes. Left out: pods get none",
    }),
    drain: z
      .strictObject({
        timeout: duration()
          .prefault("5m")
          .meta({ description: "How long to wait for pods to leave before a VM is removed" }),
      })
      .prefault({})
      .meta({ description: "What happens before a VM is removed" }),
    slowDisk: reason()
      .optional()
      .meta({
        description: "In words, why the servers may have disks that are too slow for etcd",
        examples: ["a trial on SD cards, nothing of it is kept"],
      }),
    disposable,
  })
  .meta({ description: "A k3s cluster" });

export type K3sClusterInput = z.output<typeof k3sCluster>;
export type ServersInput = z.output<typeof servers>;
export type AgentGroupInput = z.output<typeof agentGroup>;

/** The servers have the names that the VMs of a group of theirs would have. */
function parseAgentGroupName(name: string): Parsed<string> {
  if (name !== "server") return parseGroupName(name);
  return { message: `${show(name)} is the name of the servers' VMs`, hint: "call the group n" };
}

function parseVersion(version: string): Parsed<string> {
  if (new RegExp(versionPattern).test(version)) return { value: version };
  const [, numbers, build = "1"] = /^v?(1\.\d{1,3}\.\d{1,3})(?:[+-]k3s(\d{1,3}))?$/.exec(version) ?? [];
  const meant = numbers === undefined ? "v1.35.0+k3s3" : `v${numbers}+k3s${build}`;
  return {
    message: `${show(version)} is not a release of k3s`,
    hint: `write the whole of it, such as ${meant}, as https://github.com/k3s-io/k3s/releases has them`,
  };
}
