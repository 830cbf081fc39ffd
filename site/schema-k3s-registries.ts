import * as z from "zod";
import { text } from "./fields.ts";
import { type Parsed, show } from "./problem.ts";

/** What a site file says of the registries that images come from: k3s's registries.yaml, with its own names. */

const registryPattern = "^(\\*|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?)$";
const endpointPattern = "^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?$";
const filePattern = "^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$";

const registry = () => text("bad-registry", registryPattern, ["docker.io"], parseRegistry);
const endpoint = () => text("bad-address", endpointPattern, ["https://registry.example.org"], parseEndpoint);
const file = () =>
  text("bad-folder", filePattern, ["/etc/ssl/certs/registry.pem"], (path) =>
    new RegExp(filePattern).test(path)
      ? { value: path }
      : { message: `${show(path)} is not a file's path`, hint: "write a full path of letters, digits and . _ - only" },
  );
const pattern = () => text("bad-value", undefined, ["^library/(.*)"], parsePattern);

const mirror = z
  .strictObject({
    endpoint: z
      .array(endpoint())
      .min(1)
      .max(16)
      .meta({ description: "Where images are asked for, in this order, before the registry itself" }),
    rewrite: z
      .record(
        pattern(),
        text("bad-value", undefined, ["mirror/$1"], (value) => ({ value })),
      )
      .optional()
      .meta({
        description: "Image names there: a pattern, and what takes its place",
        examples: [{ "^(.*)": "mirror/$1" }],
      }),
  })
  .meta({ description: "Where a registry's images are to be had" });

const tls = z
  .strictObject({
    ca_file: file().optional().meta({ description: "Certificates that the registry's is checked against" }),
    cert_file: file().optional().meta({ description: "Certificate of the node" }),
    key_file: file().optional().meta({ description: "Key of that certificate" }),
    insecure_skip_verify: z
      .boolean()
      .optional()
      .meta({ description: "true: nobody checks who answers; anybody in the network can give other images" }),
  })
  .meta({ description: "How a registry is known; files are on the nodes" });

const config = z
  .strictObject({ tls: tls.optional() })
  .meta({ description: "How a registry or mirror is spoken to. Passwords do not belong into a site file" });

export const k3sRegistries = z
  .strictObject({
    mirrors: z
      .record(registry(), mirror)
      .default({})
      .meta({
        description: 'Mirrors by the registry that they stand for; `"*"` for all others',
        examples: [{ "docker.io": { endpoint: ["https://registry.example.org"] } }],
      }),
    configs: z
      .record(registry(), config)
      .default({})
      .meta({
        description: "Registries and mirrors by host",
        examples: [{ "registry.example.org": { tls: { ca_file: "/etc/ssl/certs/registry.pem" } } }],
      }),
  })
  .meta({ description: "Where images come from: k3s's own registries.yaml" });

export type K3sRegistriesInput = z.output<typeof k3sRegistries>;

function parseRegistry(name: string): Parsed<string> {
  if (new RegExp(registryPattern).test(name)) return { value: name };
  const host = name
    .replace(/^https?:\/\//, "")
    .replace(/\/.*$/, "")
    .toLowerCase();
  const meant = new RegExp(registryPattern).test(host) ? host : "docker.io";
  return {
    message: `${show(name)} is not the host of a registry`,
    hint: `write a host, with a port where it has one: ${meant}`,
  };
}

function parseEndpoint(url: string): Parsed<string> {
  if (new RegExp(endpointPattern).test(url) && URL.canParse(url)) return { value: url };
  const secret = /^https?:\/\/[^/]*@/.test(url);
  return {
    message: secret ? "the address of a mirror holds a password" : `${show(url)} is not the address of a mirror`,
    hint: secret
      ? "a site file is no place for it: use a mirror that asks for none"
      : "write it as https://registry.example.org",
  };
}

function parsePattern(text: string): Parsed<string> {
  try {
    new RegExp(text);
    return { value: text };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { message: `${show(text)} is not a pattern`, hint: "write a regular expression, such as ^library/(.*)" };
  }
}
