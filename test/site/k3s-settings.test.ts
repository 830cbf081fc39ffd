import assert from "node:assert/strict";
import { clusterOf, config, more, refuses, webWith } from "./k3s-samples.ts";

describe("networks inside of k3s", () => {
  refuses(
    "pods with the site's addresses",
    [more("pods: 10.20.0.0/16")],
    ["overlapping-networks at 17: 10.20.0.0/16"],
    /has addresses of the site's network, 10\.20\.0\.0\/24/,
  );
  refuses(
    "services with a name server among them",
    [more("services: 192.168.0.0/20")],
    ["overlapping-networks at 17: 192.168.0.0/20"],
    /the name server 192\.168\.7\.1/,
  );
  refuses(
    "pods with a NAS among them",
    [more("pods: 192.168.8.0/21")],
    ["overlapping-networks at 17: 192.168.8.0/21", "pods-too-small at 17: 192.168.8.0/21"],
    /shelf, which is at 192\.168\.9\.6/,
  );
  refuses(
    "services among the pods",
    [more("services: 10.42.8.0/24")],
    ["overlapping-networks at 17: 10.42.8.0/24"],
    /have addresses in common/,
  );
  refuses(
    "too few pods for the nodes that there can be",
    [more("pods: 172.20.0.0/21")],
    ["pods-too-small at 17: 172.20.0.0/21"],
    /enough for 8 nodes, and there can be 13 → each gets a \/24 of it: use a \/20/,
  );
  refuses(
    "services without room for the name server",
    [more("services: 172.20.0.0/29")],
    ["bad-network at 17: 172.20.0.0/29"],
    /no address 10/,
  );
  refuses(
    "services beyond what Kubernetes counts",
    [more("services: 172.0.0.0/8")],
    ["bad-network at 17: 172.0.0.0/8"],
    /larger than Kubernetes takes/,
  );
});

describe("versions, configuration and storage of k3s", () => {
  refuses(
    "a version without its build",
    [["v1.35.0+k3s3", "1.35.0"]],
    ["bad-version at 12: 1.35.0"],
    /write the whole of it, such as v1\.35\.0\+k3s1/,
  );
  refuses(
    "a channel for a version",
    [["v1.35.0+k3s3", "stable"]],
    ["bad-version at 12: stable"],
    /such as v1\.35\.0\+k3s3/,
  );
  refuses(
    "keys that k3s does not have",
    [config("servers", "disabel: [traefik]")],
    ["unknown-key at 17: disabel:"],
    /did you mean disable\?/,
  );
  refuses("keys of servers on agents", [config("agents", "disable: [traefik]")], ["unknown-key at 17: disable:"]);
  refuses(
    "parts that k3s does not have",
    [config("servers", "disable: [treafik]")],
    ["unknown-word at 17: treafik"],
    /did you mean traefik\?/,
  );
  refuses(
    "keys that Bramble writes, and says what to use",
    [config("servers", "cluster-cidr: 10.42.0.0/16")],
    ["key-of-bramble at 17: cluster-cidr:"],
    /Bramble writes cluster-cidr itself → remove it: write pods:/,
  );
  refuses("a token in the site file", [config("agents", "token: secret")], ["key-of-bramble at 17: token:"]);
  refuses(
    "arguments with dashes",
    [config("servers", 'kubelet-arg: ["--max-pods=50"]')],
    ['bad-argument at 17: "--max-pods=50"'],
    /such as max-pods=50/,
  );
  refuses(
    "a storage that there is none of",
    [["    storage: shelf", "    storage: shlf"]],
    ["unknown-storage at 17: shlf"],
    /did you mean shelf\?/,
  );
  refuses(
    "a mirror with a password in it",
    [more('registries: { mirrors: { docker.io: { endpoint: ["https://me:secret@r.example.org"] } } }')],
    ['bad-address at 17: "https://me:secret@r.example.o'],
    /^(?!.*secret@).*holds a password/,
  );
  refuses(
    "a registry that is an address",
    [more('registries: { mirrors: { "https://docker.io/v2": { endpoint: ["https://r.example.org"] } } }')],
    ['bad-registry at 17: "https://docker.io/v2"'],
    /docker\.io$/,
  );
  refuses(
    "a type of cluster that there is none of, with all else that is wrong with it",
    [
      ["type: k3s", "type: k3d"],
      ["count: 3", "count: three"],
    ],
    ["unknown-word at 11: k3d", "wrong-type at 14: three"],
    /did you mean k3s\?/,
  );

  it("allows networks, registries and settings that are right", () => {
    const { registries, settings, podsCidr } = clusterOf(
      webWith(
        more('registries: { mirrors: { "*": { endpoint: ["http://10.20.0.5:5000"] } } }\n    pods: 172.20.0.0/16'),
        config("agents", 'kubelet-arg: ["max-pods=50"]'),
      ),
    );
    assert.equal(podsCidr, "172.20.0.0/16");
    assert.deepEqual(Object.keys(registries?.mirrors ?? {}), ["*"]);
    assert.deepEqual(settings.agents, { "kubelet-arg": ["max-pods=50"] });
  });
});
