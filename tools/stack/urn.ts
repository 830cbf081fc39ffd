/** What a resource is called here, from its `urn:pulumi:STACK::PROJECT::TYPES::NAME`: the last type's own name, and the name. */
export function nameIn(urn: string): string {
  const [, , types = "", ...name] = urn.split("::");
  return `${types.split(/[:$/]/).at(-1)} ${name.join("::")}`;
}
