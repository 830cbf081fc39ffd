/** What libvirt's domain XML must say and the provider's inputs cannot. */
export interface DomainFixes {
  /** The domain's; its console is logged to a file of that name beside libvirt's own logs. */
  readonly name: string;
  readonly uuid: string;
  /** The serial of each disk in order: `/dev/disk/by-id/virtio-<serial>` in the guest. */
  readonly diskSerials: readonly string[];
  readonly arch: "x86_64" | "aarch64";
  readonly memoryMiB: number;
  /** Whether the guest's processor is emulated in software. */
  readonly emulated: boolean;
}

/**
 * A stylesheet for the provider's `xml.xslt`: sets the UUID and the disks' serials, and takes out what a server guest
 * has no use for (graphics, video, the agent's channel). On aarch64 it also takes out UEFI and ACPI, since the guest's
 * kernel is booted directly (https://libvirt.org/formatdomain.html).
 */
export function domainXslt(fixes: DomainFixes): string {
  const serials = fixes.diskSerials.map(
    (serial, index) => `
  <xsl:template match="/domain/devices/disk[${index + 1}]">
    <xsl:copy><xsl:apply-templates select="@*|node()[not(self::serial)]"/><serial>${serial}</serial></xsl:copy>
  </xsl:template>`,
  );
  const noFirmware =
    fixes.arch === "aarch64"
      ? `
  <xsl:template match="/domain/os/@firmware"/>
  <xsl:template match="/domain/features/acpi"/>`
      : "";
  const translated = fixes.emulated
    ? `
  <xsl:template match="/domain/features">
    <xsl:copy><xsl:apply-templates/><tcg><tb-cache unit="MiB">${translatedMiB(fixes.memoryMiB)}</tb-cache></tcg></xsl:copy>
  </xsl:template>`
    : "";
  const spared =
    fixes.arch === "x86_64" && fixes.emulated
      ? `
  <xsl:template match="/domain/cpu">
    <xsl:copy><xsl:apply-templates select="@*|node()"/>${badlyEmulated.map(disabled).join("")}</xsl:copy>
  </xsl:template>`
      : "";
  return `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
  <xsl:template match="/domain/name"><xsl:copy-of select="."/><uuid>${fixes.uuid}</uuid></xsl:template>
  <xsl:template match="/domain/uuid"/>
  <xsl:template match="/domain/devices/graphics"/>
  <xsl:template match="/domain/devices/video"/>
  <xsl:template match="/domain/devices/channel"/>
  <xsl:template match="/domain/devices/console">
    <xsl:copy><xsl:apply-templates select="@*|node()"/><log file="/var/log/libvirt/qemu/${fixes.name}-console.log"/></xsl:copy>
  </xsl:template>${serials.join("")}${noFirmware}${translated}${spared}
</xsl:stylesheet>
`;
}

/**
 * How much translated code QEMU keeps for an emulated guest with that memory, in MiB. Unasked it would be 1 GiB for each
 * guest, of which small ones need a quarter. A server of k3s with that little had its code translated 21 times over while
 * it started: bench/RESULTS.md.
 */
export function translatedMiB(memoryMiB: number): number {
  return Math.max(256, Math.min(1024, Math.round(memoryMiB / 2)));
}

/**
 * What QEMU 7.2 does badly when it emulates x86_64. It computes the flags of cmpxchg16b wrongly: now and then a guest's
 * kernel panics. Go's SHA-256, by which k3s knows its images, takes twice as long by AVX2 as without. And page tables of
 * five levels (la57) take longer to walk in software than four, which do as well (bench/RESULTS.md).
 */
export const badlyEmulated = ["cx16", "avx", "avx2", "la57"] as const;

function disabled(feature: string): string {
  return `<feature policy="disable" name="${feature}"/>`;
}
