import type { BootConf } from "../formats/bootconf.ts";
import type { PiModelFacts } from "../formats/raspberry-pi.ts";
import type { Bootloader, BootServer } from "../site/model.ts";

/**
 * The site's words as the properties of a board's bootloader. Those that are the default are written too: defaults
 * change. `name` is the board's, in the site.
 */
export function bootConf(settings: Bootloader, { chip }: PiModelFacts, name: string, server: BootServer): BootConf {
  const { prefix, psuMaxCurrent, watchdogSeconds } = settings;
  return {
    BOOT_UART: settings.uart,
    BOOT_ORDER: settings.order,
    ...(watchdogSeconds > 0 ? { BOOT_WATCHDOG_TIMEOUT: watchdogSeconds } : {}),
    TFTP_PREFIX: prefix === "name" ? "fixed" : prefix,
    ...(prefix === "name" ? { TFTP_PREFIX_STR: `${name}/` } : {}),
    // A router's DHCP knows no boot server; and whoever else answers there can't lead a board away.
    ...(server.dhcp === "router" ? { TFTP_IP: server.address } : {}),
    TFTP_FILE_TIMEOUT: settings.fileTimeoutSeconds * 1000,
    DHCP_TIMEOUT: settings.dhcpTimeoutSeconds * 1000,
    NET_BOOT_MAX_RETRIES: settings.retries,
    NET_INSTALL_ENABLED: settings.networkInstall,
    NET_INSTALL_AT_POWER_ON: settings.networkInstall,
    DISABLE_HDMI: !settings.hdmi,
    POWER_OFF_ON_HALT: settings.powerOffOnHalt,
    ...(chip === "2711" ? { WAKE_ON_GPIO: settings.wakeOnGpio ? 1 : 0 } : {}),
    ...(chip === "2712" && psuMaxCurrent !== undefined ? { PSU_MAX_CURRENT: psuMaxCurrent } : {}),
    // Without this a board would never take a later change from here.
    ENABLE_SELF_UPDATE: true,
  };
}
