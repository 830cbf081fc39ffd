package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"libvirt.org/go/libvirtxml"
)

func improveVolume(stock operations) operations {
	improved := stock
	improved.create = createVolume(stock)
	improved.read = readVolume(stock)
	improved.remove = removeVolume(stock)
	return improved
}

// createVolume handles a volume of the planned name that is in the pool already (a pool belongs to
// one site, so an interrupted run made it). One that is made from an image or on a base volume is
// made again, since its upload may have stopped halfway. One that is neither is a disk with data: it
// is used as it is, and never written to.
func createVolume(stock operations) operation {
	return func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
		pool, unlock, err := openPool(ctx, d, c)
		if err != nil {
			return diag.FromErr(err)
		}
		defer unlock()

		name := d.Get("name").(string)
		volume, found, err := lookupVolume(c, pool, name)
		if err != nil {
			return diag.FromErr(err)
		}
		if found && isDataDisk(d) {
			if err := checkDataDisk(d, c, volume); err != nil {
				return diag.FromErr(err)
			}
			d.SetId(volume.Key)
			return append(readVolume(stock)(ctx, d, c), tookOver("disk", name, c))
		}
		if found {
			if err := deleteVolume(c, volume); err != nil {
				return diag.FromErr(err)
			}
			if err := refreshPool(ctx, c, pool); err != nil {
				return diag.FromErr(err)
			}
		}
		if err := checkSpace(d, c, pool); err != nil {
			return diag.FromErr(err)
		}
		return createdOrGone(d, c, pool, stock.create(ctx, d, c))
	}
}

// readVolume is the stock one, except that a data disk that is larger than planned counts as it was
// planned: otherwise a disk that somebody has enlarged would be replaced, with its data.
func readVolume(stock operations) operation {
	return func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
		planned := d.Get("size").(int)
		diagnostics := stock.read(ctx, d, c)
		if d.Id() != "" && isDataDisk(d) && planned > 0 && d.Get("size").(int) > planned {
			if err := d.Set("size", planned); err != nil {
				return append(diagnostics, diag.FromErr(err)...)
			}
		}
		return diagnostics
	}
}

// removeVolume is the stock one, after it has made sure that the pool is active: libvirt does not
// find a volume in a pool that is not, and the file would be left behind.
func removeVolume(stock operations) operation {
	return func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
		name := d.Get("pool").(string)
		defer c.host.pools.lock(name)()

		pool, err := c.virt.StoragePoolLookupByName(name)
		if isCode(err, golibvirt.ErrNoStoragePool) {
			return nil
		}
		if err != nil {
			return diag.Errorf("storage pool %s on %s cannot be looked up: %s", name, c.host.name(), err)
		}
		if err := activatePool(ctx, c, pool); err != nil {
			return diag.FromErr(err)
		}
		return stock.remove(ctx, d, c)
	}
}

// createdOrGone takes away a volume whose creation failed, so that nothing records it: libvirt would
// otherwise offer a half-filled one as if it were good.
func createdOrGone(d *schema.ResourceData, c *connection, pool golibvirt.StoragePool, diagnostics diag.Diagnostics) diag.Diagnostics {
	if !diagnostics.HasError() {
		return diagnostics
	}
	d.SetId("")
	volume, found, err := lookupVolume(c, pool, d.Get("name").(string))
	if err == nil && found {
		err = deleteVolume(c, volume)
	}
	return append(diagnostics, diag.FromErr(err)...)
}

// openPool finds the volume's pool, locks it in this process, starts it if need be and refreshes it.
func openPool(ctx context.Context, d *schema.ResourceData, c *connection) (golibvirt.StoragePool, func(), error) {
	name := d.Get("pool").(string)
	unlock := c.host.pools.lock(name)
	pool, err := c.virt.StoragePoolLookupByName(name)
	if err != nil {
		unlock()
		return pool, nil, fmt.Errorf("storage pool %s is not there on %s: %w", name, c.host.name(), err)
	}
	if err := freshPool(ctx, c, pool); err != nil {
		unlock()
		return pool, nil, err
	}
	return pool, unlock, nil
}

// freshPool starts a pool if need be and makes libvirt look at its files. Another host that has the
// same folder may have removed it with its own pool, when it was empty: libvirt stops such a pool at
// the first look, and it is started again with a new folder.
func freshPool(ctx context.Context, c *connection, pool golibvirt.StoragePool) error {
	if err := activatePool(ctx, c, pool); err != nil {
		return err
	}
	err := refreshPool(ctx, c, pool)
	if err == nil {
		return nil
	}
	if active, activeErr := c.virt.StoragePoolIsActive(pool); activeErr != nil || active == 1 {
		return err
	}
	if err := activatePool(ctx, c, pool); err != nil {
		return err
	}
	return refreshPool(ctx, c, pool)
}

// isDataDisk says whether a volume is made empty, for the data of a guest.
func isDataDisk(d *schema.ResourceData) bool {
	for _, origin := range []string{"source", "base_volume_id", "base_volume_name"} {
		if _, given := d.GetOk(origin); given {
			return false
		}
	}
	return true
}

// checkDataDisk refuses a data disk that exists and is not what is planned.
func checkDataDisk(d *schema.ResourceData, c *connection, volume golibvirt.StorageVol) error {
	text, err := c.virt.StorageVolGetXMLDesc(volume, 0)
	var def libvirtxml.StorageVolume
	if err == nil {
		err = xml.Unmarshal([]byte(text), &def)
	}
	if err != nil {
		return fmt.Errorf("the definition of disk %s on %s cannot be read: %w", volume.Name, c.host.name(), err)
	}
	const advice = "It may hold data, so it is left alone. Plan what it is, or move it away"
	_, capacity, _, err := c.virt.StorageVolGetInfo(volume)
	if err != nil {
		return fmt.Errorf("the size of disk %s on %s cannot be read: %w", volume.Name, c.host.name(), err)
	}
	if planned := uint64(d.Get("size").(int)); capacity < planned {
		return fmt.Errorf("the disk %s exists on %s already, with %s, and %s are planned. %s",
			def.Key, c.host.name(), printBytes(capacity), printBytes(planned), advice)
	}
	planned := plannedFormat(d)
	if def.Target == nil || def.Target.Format == nil || def.Target.Format.Type == planned {
		return nil
	}
	return fmt.Errorf("the disk %s exists on %s already, in the format %s, and %s is planned. %s",
		def.Key, c.host.name(), def.Target.Format.Type, planned, advice)
}

func plannedFormat(d *schema.ResourceData) string {
	if format, given := d.GetOk("format"); given {
		return format.(string)
	}
	return "qcow2"
}

func lookupVolume(c *connection, pool golibvirt.StoragePool, name string) (volume golibvirt.StorageVol, found bool, err error) {
	volume, err = c.virt.StorageVolLookupByName(pool, name)
	if isCode(err, golibvirt.ErrNoStorageVol) {
		return volume, false, nil
	}
	if err != nil {
		return volume, false, fmt.Errorf("volume %s in pool %s on %s cannot be looked up: %w", name, pool.Name, c.host.name(), err)
	}
	return volume, true, nil
}

func deleteVolume(c *connection, volume golibvirt.StorageVol) error {
	err := c.virt.StorageVolDelete(volume, golibvirt.StorageVolDeleteNormal)
	if err == nil || isCode(err, golibvirt.ErrNoStorageVol) {
		return nil
	}
	hint := ""
	if strings.Contains(err.Error(), "still in use") || strings.Contains(err.Error(), "being allocated") {
		hint = ". Another run seems to be writing it: wait for that one to end, and run again"
	}
	return fmt.Errorf("volume %s, left by an interrupted run on %s, cannot be deleted: %w%s", volume.Key, c.host.name(), err, hint)
}
