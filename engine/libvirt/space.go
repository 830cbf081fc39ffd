package main

import (
	"fmt"
	"net/url"
	"os"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

const mebibyte = 1 << 20

// overlayReserve is the space, in bytes, that a disk which grows as it is written must find free to
// be made at all: enough for a guest to start and to say that its disk is full.
const overlayReserve = 256 * mebibyte

// checkSpace compares the free space of a pool with what the planned volume takes at once. It fails
// before anything is written; the pool must have been refreshed.
func checkSpace(d *schema.ResourceData, c *connection, pool golibvirt.StoragePool) error {
	need, what, err := spaceNeeded(d)
	if err != nil {
		return fmt.Errorf("volume %s: %w", d.Get("name"), err)
	}
	_, _, _, free, err := c.virt.StoragePoolGetInfo(pool)
	if err != nil {
		return fmt.Errorf("the free space of pool %s on %s cannot be read: %w", pool.Name, c.host.name(), err)
	}
	if free >= need {
		return nil
	}
	return fmt.Errorf("pool %s on %s has %s free, and volume %s needs %s (%s). Make room there, or put the pool elsewhere; nothing was written",
		pool.Name, c.host.name(), printBytes(free), d.Get("name"), printBytes(need), what)
}

// spaceNeeded returns the bytes that a volume takes when it is made, and why. The size of an image
// behind an HTTP address is not known here: it counts as nothing.
func spaceNeeded(d *schema.ResourceData) (need uint64, what string, err error) {
	if source, given := d.GetOk("source"); given {
		path, local := localPath(source.(string))
		if !local {
			return 0, "", nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return 0, "", fmt.Errorf("its image cannot be read: %w", err)
		}
		return uint64(info.Size()), "the size of " + path, nil
	}
	if isDataDisk(d) && plannedFormat(d) == "raw" {
		return uint64(d.Get("size").(int)), "a raw disk takes its whole size at once", nil
	}
	return overlayReserve, "the least that a growing disk is made with", nil
}

// localPath returns the path of a source on this machine; the source is a path or a URL.
func localPath(source string) (path string, local bool) {
	parsed, err := url.Parse(source)
	if err != nil || (parsed.Scheme != "" && parsed.Scheme != "file") {
		return "", false
	}
	return parsed.Path, true
}

// printBytes prints an amount of bytes for people, and exactly.
func printBytes(amount uint64) string {
	if amount < mebibyte {
		return fmt.Sprintf("%d bytes", amount)
	}
	return fmt.Sprintf("%d MiB (%d bytes)", amount/mebibyte, amount)
}
