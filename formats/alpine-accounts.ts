import type { SystemUser } from "./alpine-system.ts";

/**
 * The accounts of a system. What an overlay has of etc/passwd, etc/group and etc/shadow replaces the whole file, so all
 * stock rows must be in it: packages own files by those names, and their scripts add to what is there.
 */

/** etc/passwd with all stock rows, and the users'. */
export function printPasswd(users: readonly SystemUser[]): string {
  const added = addedTo(users).map(({ name, uid, shell = defaultShell }) => {
    return `${name}:x:${uid}:${uid}:${name}:${homeOf(name)}:${shell}`;
  });
  const root = users.find(({ name }) => name === "root");
  const stock = stockUsers.map((row) => (isRow(row, "root") ? row.replace(/[^:]*$/, root?.shell ?? "$&") : row));
  return lines([...stock, ...added]);
}

/** etc/group with all stock rows, a group for each user, and the users as members of the groups that they name. */
export function printGroup(users: readonly SystemUser[]): string {
  const named = new Set(users.flatMap(({ groups = [] }) => groups));
  const fromPackages = [...packageGroups].filter(([name]) => named.has(name)).map(([name, gid]) => `${name}:x:${gid}:`);
  const own = addedTo(users).map(({ name, uid }) => `${name}:x:${uid}:`);
  const rows = [...stockGroups, ...fromPackages, ...own].map((row) => {
    const [group = "", password, gid, members = ""] = row.split(":");
    const joining = users.filter(({ groups = [] }) => groups.includes(group)).map(({ name }) => name);
    const all = new Set([...members.split(",").filter((name) => name !== ""), ...joining.sort()]);
    return [group, password, gid, [...all].join(",")].join(":");
  });
  return lines(rows);
}

/**
 * etc/shadow. No account has a password, and none is locked: Alpine's sshd refuses also the keys of an account whose
 * field begins with `!`, and the stock field of root is empty, which lets anybody in at the console.
 */
export function printShadow(users: readonly SystemUser[]): string {
  const names = [...stockUsers.map((row) => row.split(":", 1)[0]), ...addedTo(users).map(({ name }) => name)];
  return lines(names.map((name) => `${name}:*::0:::::`));
}

/** Root's home and those of users, without a slash before. */
export function homeFolder(name: string): string {
  return homeOf(name).slice(1);
}

/** The number of a group that a user may be in; undefined if there is none of that name. */
export function groupId(name: string): number | undefined {
  const row = stockGroups.find((row) => isRow(row, name));
  return row === undefined ? packageGroups.get(name) : Number(row.split(":")[2]);
}

export function groupNames(): string[] {
  return [...stockGroups.map((row) => row.split(":", 1)[0] ?? ""), ...packageGroups.keys()];
}

export function isStockUser(name: string): boolean {
  return stockUsers.some((row) => isRow(row, name));
}

/** What users may have: Alpine's own and those of packages are below. */
export const firstUid = 1000;
/** Above it are nogroup and nobody, and room for containers. */
export const lastUid = 59_999;

/**
 * Groups that a package's script makes, unless it is there already, as users may be in them. Their numbers are above
 * those that the scripts of other packages take, which count up from 100.
 */
const packageGroups: ReadonlyMap<string, number> = new Map([["libvirt", 800]]);

const defaultShell = "/bin/sh";

function homeOf(name: string): string {
  return name === "root" ? "/root" : `/home/${name}`;
}

/** The users that are not stock, by number. */
function addedTo(users: readonly SystemUser[]): SystemUser[] {
  return users.filter(({ name }) => !isStockUser(name)).sort((a, b) => a.uid - b.uid);
}

function isRow(row: string, name: string): boolean {
  return row.startsWith(`${name}:`);
}

function lines(rows: readonly string[]): string {
  return rows.map((row) => `${row}\n`).join("");
}

/** etc/passwd of alpine-baselayout-data 3.6.5-r0, as it is in the minirootfs of Alpine 3.20.3. */
const stockUsers = `root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
lp:x:4:7:lp:/var/spool/lpd:/sbin/nologin
sync:x:5:0:sync:/sbin:/bin/sync
shutdown:x:6:0:shutdown:/sbin:/sbin/shutdown
halt:x:7:0:halt:/sbin:/sbin/halt
mail:x:8:12:mail:/var/mail:/sbin/nologin
news:x:9:13:news:/usr/lib/news:/sbin/nologin
uucp:x:10:14:uucp:/var/spool/uucppublic:/sbin/nologin
cron:x:16:16:cron:/var/spool/cron:/sbin/nologin
ftp:x:21:21::/var/lib/ftp:/sbin/nologin
sshd:x:22:22:sshd:/dev/null:/sbin/nologin
games:x:35:35:games:/usr/games:/sbin/nologin
ntp:x:123:123:NTP:/var/empty:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin`.split("\n");

/** etc/group of the same package. */
const stockGroups = `root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
sys:x:3:root,bin
adm:x:4:root,daemon
tty:x:5:
disk:x:6:root
lp:x:7:lp
kmem:x:9:
wheel:x:10:root
floppy:x:11:root
mail:x:12:mail
news:x:13:news
uucp:x:14:uucp
cron:x:16:cron
audio:x:18:
cdrom:x:19:
dialout:x:20:root
ftp:x:21:
sshd:x:22:
input:x:23:
tape:x:26:root
video:x:27:root
netdev:x:28:
kvm:x:34:kvm
games:x:35:
shadow:x:42:
www-data:x:82:
users:x:100:games
ntp:x:123:
abuild:x:300:
utmp:x:406:
ping:x:999:
nogroup:x:65533:
nobody:x:65534:`.split("\n");
