import assert from "node:assert/strict";
import { type BootDhcp, dnsmasqConf } from "../../formats/dnsmasq-conf.ts";
import { type NginxConf, nginxConf } from "../../formats/nginx-conf.ts";

describe("dnsmasq-conf", () => {
  it("serves TFTP alone where the router owns DHCP", () => {
    assert.equal(
      dnsmasqConf({ ...tftp, dhcp: { mode: "router" } }),
      `# Written by Bramble; changes are overwritten.
pid-file=/run/bramble-dnsmasq.pid

# No DNS, and only this address, also if it comes up later: other servers of this machine stay as they are.
port=0
no-hosts
no-resolv
bind-dynamic
listen-address=10.20.0.2

enable-tftp
tftp-root=/srv/bramble/tftp
tftp-max=1000
`,
    );
  });

  it("as a proxy tells the site's boards, and nobody else, where their files are", () => {
    assert.equal(
      dhcpPart({ mode: "proxy", network, boards: [{ mac: "dc:a6:32:01:36:c2" }, { mac: "2c:cf:67:00:00:01" }] }),
      `# The router gives addresses. Boards of the site are told that their files are here; nobody else is answered.
dhcp-range=10.20.0.0,proxy,255.255.255.0
dhcp-mac=set:board,dc:a6:32:01:36:c2
dhcp-mac=set:board,2c:cf:67:00:00:01
dhcp-ignore=tag:!board
pxe-service=tag:board,0,"Raspberry Pi Boot"
`,
    );
  });

  it("as the only DHCP server gives every board its address, and others one of the leases", () => {
    assert.equal(
      dhcpPart(own),
      `# The only DHCP server of this network.
dhcp-authoritative
dhcp-leasefile=/var/lib/misc/bramble.leases
dhcp-range=10.20.0.200,10.20.0.250,255.255.255.0,12h
dhcp-option=option:router,10.20.0.1
dhcp-option=option:dns-server,10.20.0.1,9.9.9.9
dhcp-host=dc:a6:32:01:36:c2,id:*,set:board,10.20.0.11,pi1
pxe-service=tag:board,0,"Raspberry Pi Boot"
`,
    );
  });

  it("gives strangers no address without leases, and no gateway where there is none", () => {
    const { leases: _, gateway: __, ...rest } = own;
    const text = dhcpPart({ ...rest, dns: [], network: { address: "10.20.0.0", prefixLength: 22 } });
    assert.match(text, /^dhcp-range=10\.20\.0\.0,static,255\.255\.252\.0,12h$/m);
    assert.match(text, /^dhcp-option=option:router$/m);
    assert.match(text, /^dhcp-option=option:dns-server$/m);
  });

  it("negotiates block sizes in every mode, since boards ignore config.txt otherwise", () => {
    for (const dhcp of [{ mode: "router" } as const, own]) {
      assert.doesNotMatch(dnsmasqConf({ ...tftp, dhcp }), /tftp-no-blocksize|tftp-mtu/);
    }
  });

  it("refuses a value that could be read as more than itself, by its field", () => {
    const withBoard = (board: Partial<(typeof own.boards)[number]>): BootDhcp => ({
      ...own,
      boards: own.boards.map((first) => ({ ...first, ...board })),
    });
    const bad: [Parameters<typeof dnsmasqConf>[0], RegExp][] = [
      [{ ...tftp, dhcp: own, tftpRoot: "/srv/a\ndhcp-script=/bin/sh" }, /tftpRoot: "\/srv\/a\\ndhcp-script/],
      [{ ...tftp, dhcp: own, tftpRoot: "/srv/a,eth1" }, /tftpRoot/],
      [{ ...tftp, dhcp: own, tftpRoot: "/srv/#a" }, /tftpRoot/],
      [{ ...tftp, dhcp: own, tftpRoot: "srv" }, /tftpRoot/],
      [{ ...tftp, dhcp: own, tftpRoot: "/srv/../etc" }, /tftpRoot/],
      [{ ...tftp, dhcp: own, pidFile: "" }, /pidFile/],
      [{ ...tftp, dhcp: own, address: "10.20.0.2,10.20.0.3" }, /address: .* is not an IPv4 address/],
      [{ ...tftp, dhcp: own, address: "boot.lan" }, /address/],
      [{ ...tftp, dhcp: withBoard({ hostname: "pi1,12h" }) }, /boards\.0\.hostname: "pi1,12h" is not a host name/],
      [{ ...tftp, dhcp: withBoard({ hostname: "pi1\nport=53" }) }, /boards\.0\.hostname/],
      [{ ...tftp, dhcp: withBoard({ mac: "dc:a6:32:*:*:*" }) }, /boards\.0\.mac: .* is not a MAC address/],
      [{ ...tftp, dhcp: withBoard({ address: "10.20.0.256" }) }, /boards\.0\.address/],
      [{ ...tftp, dhcp: { ...own, dns: ["10.20.0.1", "1.1.1"] } }, /dns\.1/],
      [{ ...tftp, dhcp: { ...own, gateway: "10.20.0.01" } }, /gateway/],
      [{ ...tftp, dhcp: { ...own, network: { ...network, prefixLength: 31 } } }, /prefixLength: 31 .* from 8 to 30/],
      [{ ...tftp, dhcp: { ...own, leases: { first: "10.20.0.200", last: "" } } }, /leases\.last/],
      [{ ...tftp, dhcp: { ...own, leaseFile: "leases" } }, /leaseFile/],
    ];
    for (const [conf, complaint] of bad) assert.throws(() => dnsmasqConf(conf), complaint, complaint.source);
  });
});

describe("nginx-conf", () => {
  it("serves two folders on one address and port, and logs a line of JSON per request, and of boots again", () => {
    const text = nginxConf(http);
    for (const line of [
      "pid /run/bramble-nginx.pid;",
      "error_log /var/log/bramble/error.log warn;",
      "access_log /var/log/bramble/access.log timeline;",
      "access_log /var/log/bramble/boots.log timeline if=$boot;",
      "listen 10.20.0.2:8080;",
      "root /srv/bramble/http;",
      "alias /srv/bramble/tftp/;",
    ]) {
      assert.ok(
        text.split("\n").some((written) => written.trim() === line),
        line,
      );
    }
    assert.doesNotMatch(text, /autoindex|ssl|proxy_pass|undefined/);
  });

  it("refuses a value that could be read as more than itself, by its field", () => {
    const bad: [Partial<NginxConf>, RegExp][] = [
      [{ root: "/srv/a; autoindex on" }, /root/],
      [{ root: "/srv/$uri" }, /root/],
      [{ root: "relative" }, /root/],
      [{ boards: "/srv/a b" }, /boards/],
      [{ bootLog: "off" }, /bootLog/],
      [{ accessLog: "/var/log/a\nload_module x" }, /accessLog/],
      [{ errorLog: "stderr" }, /errorLog/],
      [{ tempFolder: "tmp" }, /tempFolder/],
      [{ pidFile: "/run/a b" }, /pidFile/],
      [{ address: "*" }, /address/],
      [{ port: 0 }, /port: 0 cannot be used: give a whole number from 1 to 65535/],
      [{ port: 65_536 }, /port/],
      [{ port: 80.5 }, /port/],
    ];
    for (const [part, complaint] of bad) assert.throws(() => nginxConf({ ...http, ...part }), complaint);
  });
});

const tftp = { address: "10.20.0.2", tftpRoot: "/srv/bramble/tftp", pidFile: "/run/bramble-dnsmasq.pid" };
const network = { address: "10.20.0.0", prefixLength: 24 };
const own: BootDhcp & { readonly mode: "own" } = {
  mode: "own",
  network,
  gateway: "10.20.0.1",
  dns: ["10.20.0.1", "9.9.9.9"],
  leases: { first: "10.20.0.200", last: "10.20.0.250" },
  leaseFile: "/var/lib/misc/bramble.leases",
  boards: [{ mac: "dc:a6:32:01:36:c2", address: "10.20.0.11", hostname: "pi1" }],
};
const http: NginxConf = {
  address: "10.20.0.2",
  port: 8080,
  root: "/srv/bramble/http",
  boards: "/srv/bramble/tftp",
  pidFile: "/run/bramble-nginx.pid",
  accessLog: "/var/log/bramble/access.log",
  bootLog: "/var/log/bramble/boots.log",
  errorLog: "/var/log/bramble/error.log",
  tempFolder: "/run/bramble/temp",
};

/** What follows the part that all modes have. */
function dhcpPart(dhcp: BootDhcp): string {
  return dnsmasqConf({ ...tftp, dhcp }).slice(dnsmasqConf({ ...tftp, dhcp: { mode: "router" } }).length + 1);
}
