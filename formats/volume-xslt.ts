/**
 * A stylesheet for a volume's `xml.xslt`: only root and the guest's own process may read the file. The provider's own
 * choice is 0644, and a guest's disk holds its keys and the homes of its users
 * (https://libvirt.org/formatstorage.html#target-elements).
 */
export const privateVolumeXslt = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
  <xsl:template match="/volume/target/permissions/mode/text()">0600</xsl:template>
</xsl:stylesheet>
`;
