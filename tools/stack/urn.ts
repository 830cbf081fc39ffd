/** Name and type that stand in a URN: `urn:pulumi:STACK::PROJECT::PARENTS$TYPE::NAME`. */
export function parseUrn(urn: string): { readonly type: string; readonly name: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { type: types.split("$").at(-1) ?? "", name: name.join("::") };
}

/** What people call a resource: the last part of its type, and its name. */
export function nameIn(urn: string): string {
  const { type, name } = parseUrn(urn);
  return `${type.split(/[:/]/).at(-1)} ${name}`;
}
