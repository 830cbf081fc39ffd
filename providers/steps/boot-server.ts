import { readFile } from "node:fs/promises";
import type { Connection } from "../transport/connection.ts";
import type { FolderServer } from "../transport/folder-server.ts";
import { reach } from "../transport/reach.ts";
import { whyNoTftp } from "../transport/tftp-probe.ts";
import { identityPort, identityUrl } from "./boot-server-files.ts";
import { required } from "./environment.ts";
import { onGuest } from "./guest-script.ts";

/** What the variable `bootServer` holds, as JSON. */
export type BootServerSpec = FolderServer & {
  readonly site: string;
  /** Tells two sites of one name apart. */
  readonly siteId: string;
  readonly tftpRoot: string;
  readonly httpRoot: string;
  /** The address that boards ask, for all services. */
  readonly tftpAddress: string;
  readonly httpPort: number;
  /** Who serves DHCP: the user's router alone, dnsmasq beside it, or dnsmasq alone. */
  readonly dhcp: "router" | "proxy" | "own";
};

/** How long a machine is waited for that should be up, in seconds. */
const reachPatience = 60;
/** How long the first answer of a service may take, in milliseconds. */
const answerPatience = 5000;
/** A file that both roots have when something was published, and may not have. */
const askedFor = ".bramble/owner.json";

/**
 * Makes a machine the boot server of a site: TFTP, and DHCP where the site wants it, by dnsmasq, HTTP by nginx, boards'
 * identities by BusyBox's httpd, as services of their own beside those of the distribution. Only what changed is
 * restarted, and a configuration that its program refuses takes nobody's place. Done when all services answer from here.
 */
export function configureBootServer(): Promise<string> {
  return atBootServer(async (connection, spec) => {
    const what = `setting up the boot server of ${spec.site}`;
    const args = parameters(spec);
    const installed = await onGuest(connection, {
      what,
      scripts: ["boot-server-names", "boot-server-ports", "boot-server-check"],
      args,
    });
    const config = `/etc/bramble/${spec.site}`;
    const served = await onGuest(connection, {
      what,
      files: [
        { path: `${config}/dnsmasq.conf.new`, content: required("dnsmasqConf") },
        { path: `${config}/nginx.conf.new`, content: required("nginxConf") },
        { path: `${config}/httpd.conf.new`, content: httpdConf(spec) },
        { path: `${config}/identity.new`, content: await identityScript(spec.site), mode: "0755" },
      ],
      scripts: ["boot-server-names", "boot-server-ports", "boot-server"],
      args,
    });
    const faults = await silentServices(spec);
    if (faults.length === 0) return [installed, served].filter((line) => line !== "").join("\n");
    const log = await onGuest(connection, {
      what: `reading the logs of the boot server of ${spec.site}`,
      scripts: ["boot-server-names", "boot-server-log"],
      args,
    });
    throw new Error(
      `the boot server of ${spec.site} runs, but does not serve:\n${faults.join("\n")}\n` +
        `Look for a firewall on it or on the way from here. It said last:\n${log || "nothing"}`,
    );
  });
}

/** Stops and removes the services and what was written for them. Packages stay, and all that is in the roots. */
export function removeBootServer(): Promise<string> {
  return atBootServer(async (connection, spec) => {
    await onGuest(connection, {
      what: `removing the boot server of ${spec.site}`,
      scripts: ["boot-server-names", "boot-server-remove"],
      args: parameters(spec),
    });
    return `${spec.site} has no boot server any more; what is in ${spec.tftpRoot} and ${spec.httpRoot} was left alone`;
  });
}

async function atBootServer(work: (connection: Connection, spec: BootServerSpec) => Promise<string>): Promise<string> {
  const spec: BootServerSpec = JSON.parse(required("bootServer"));
  const connection = await reach(spec, () => required("sshKey"), reachPatience);
  try {
    return await work(connection, spec);
  } finally {
    connection.close();
  }
}

/** What the scripts of guest/boot-server*.sh take. */
function parameters({ site, siteId, tftpRoot, httpRoot, tftpAddress, httpPort, dhcp }: BootServerSpec): string[] {
  return [site, siteId, tftpRoot, httpRoot, tftpAddress, String(httpPort), dhcp];
}

/** httpd reads it, and needs no setting; with another address it is another file, and the service starts anew. */
function httpdConf({ tftpAddress, httpPort }: BootServerSpec): string {
  return `# Written by Bramble; changes are overwritten. For ${identityUrl(tftpAddress, httpPort)}\n`;
}

async function identityScript(site: string): Promise<string> {
  const script = await readFile(new URL("guest/boot-server-identity.sh", import.meta.url), "utf8");
  return `#!/bin/sh\nsite=${site}\n${script}`;
}

async function silentServices({ tftpAddress, httpPort }: BootServerSpec): Promise<string[]> {
  const url = `http://${tftpAddress}:${httpPort}/${askedFor}`;
  // Not what boards ask for: each answer to that is written down.
  const ours = `http://${tftpAddress}:${identityPort(httpPort)}/`;
  const asked = [whyNoTftp(tftpAddress, askedFor, answerPatience), whyNoHttp(url), whyNoHttp(ours)] as const;
  const [tftp, http, identities] = await Promise.all(asked);
  return [
    ...(tftp === undefined ? [] : [`  TFTP at ${tftpAddress}, port 69/udp: ${tftp}`]),
    ...(http === undefined ? [] : [`  HTTP at ${url}: ${http}`]),
    ...(identities === undefined ? [] : [`  identities at ${ours}: ${identities}`]),
  ];
}

/** Why an HTTP server can't be said to work; that it does not have the file is an answer. */
async function whyNoHttp(url: string): Promise<string | undefined> {
  try {
    const { status } = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(answerPatience) });
    return status < 500 && status !== 403 ? undefined : `it answers with status ${status}`;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.cause instanceof Error ? error.cause.message : error.message;
  }
}
