import type { Draft, UserDraft } from "../draft.ts";
import { type Finding, show, showPath } from "../problem.ts";

/** Users must not take the names and uids that the system, Slurm or munge have on the nodes. */
export function userRules({ users }: Draft): Finding[] {
  return users.flatMap((user) => [...reservedName(user), ...reservedUid(user)]);
}

/** Logins of Debian's base system (base-passwd) and of the packages on the nodes; debian is cloud-init's own user. */
const reservedNames: readonly string[] = [
  ..."root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc nobody".split(" "),
  ..."messagebus sshd polkitd tss uuidd chrony munge slurm slurmrestd debian systemd-network systemd-timesync".split(
    " ",
  ),
  ..."systemd-resolve systemd-journal systemd-coredump admin adm sudo wheel staff users shadow disk tty kvm".split(" "),
];

/** Debian's policy manual §9.2.2: 0-999 system, 60000-64999 packages (slurm has 64030), 65534 nobody, 65535 never. */
const firstUserUid = 1000;
const firstPackageUid = 60_000;
const firstUidAfterPackages = 65_536;

function reservedName({ name, path }: UserDraft): Finding[] {
  if (!reservedNames.includes(name)) return [];
  const message = `the login ${show(name)} belongs to the system on the nodes`;
  return [{ rule: "reserved-name", path, at: "key", message, hint: "choose another name" }];
}

function reservedUid({ path, input: { uid } }: UserDraft): Finding[] {
  if (uid >= firstUserUid && (uid < firstPackageUid || uid >= firstUidAfterPackages)) return [];
  const message = `${showPath(path)}: the uid ${uid} is in a range that the system keeps for itself${uid === 64_030 ? " (it is slurm's)" : ""}`;
  return [
    {
      rule: "reserved-uid",
      path: [...path, "uid"],
      message,
      hint: `use one from ${firstUserUid} to ${firstPackageUid - 1}, such as 2001`,
    },
  ];
}
