package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/retry"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"libvirt.org/go/libvirtxml"
)

// refreshLimit bounds the wait for a pool in which libvirt is still busy with another volume.
const refreshLimit = time.Minute

func improvePool(stock operations) operations {
	improved := stock
	improved.create = createPool(stock)
	improved.remove = removePool(stock)
	return improved
}

// createPool takes over a pool of the planned name if it is a folder at the planned path: an
// interrupted run made it. A pool of that name elsewhere is somebody else's, and an error.
func createPool(stock operations) operation {
	return func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
		name := d.Get("name").(string)
		defer c.host.pools.lock(name)()

		pool, err := c.virt.StoragePoolLookupByName(name)
		if isCode(err, golibvirt.ErrNoStoragePool) {
			return stock.create(ctx, d, c)
		}
		if err != nil {
			return diag.Errorf("storage pool %s on %s cannot be looked up: %s", name, c.host.name(), err)
		}
		def, err := poolDefinition(c, pool)
		if err != nil {
			return diag.FromErr(err)
		}
		if planned := plannedPoolPath(d); d.Get("type").(string) != "dir" || def.Type != "dir" || poolPath(def) != planned {
			return diag.Errorf("storage pool %s exists on %s already, of type %s at %q, and this site's would be of type %s at %q: another site or another program owns it. Give this site another name, or remove that pool with `virsh pool-undefine %s` if nobody needs it.",
				name, c.host.name(), def.Type, poolPath(def), d.Get("type"), planned, name)
		}
		if err := activatePool(ctx, c, pool); err != nil {
			return diag.FromErr(err)
		}
		if err := c.virt.StoragePoolSetAutostart(pool, 1); err != nil {
			return diag.Errorf("storage pool %s on %s cannot be set to start by itself: %s", name, c.host.name(), err)
		}
		if err := refreshPool(ctx, c, pool); err != nil {
			return diag.FromErr(err)
		}
		d.SetId(uuid.UUID(pool.UUID).String())
		return append(stock.read(ctx, d, c), tookOver("storage pool", name, c))
	}
}

// removePool removes a folder pool, and its folder if that is empty. Files that are still in the
// folder (disks to be kept, foreign files) stay, and a warning says so.
func removePool(stock operations) operation {
	return func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
		pool, found, err := lookupPool(c, d.Id())
		if err != nil || !found {
			return diag.FromErr(err)
		}
		defer c.host.pools.lock(pool.Name)()

		def, err := poolDefinition(c, pool)
		if err != nil {
			return diag.FromErr(err)
		}
		if def.Type != "dir" {
			return stock.remove(ctx, d, c)
		}
		left, err := stopPool(ctx, c, pool)
		if err != nil {
			return diag.FromErr(err)
		}
		deleteErr := c.virt.StoragePoolDelete(pool, golibvirt.StoragePoolDeleteNormal)
		if err := c.virt.StoragePoolUndefine(pool); err != nil && !isCode(err, golibvirt.ErrNoStoragePool) {
			return diag.Errorf("storage pool %s on %s cannot be undefined: %s", pool.Name, c.host.name(), err)
		}
		return folderLeft(c, pool.Name, poolPath(def), left, deleteErr)
	}
}

// folderLeft is the warning about a folder that libvirt could not remove, or nothing.
func folderLeft(c *connection, name, path string, left []string, err error) diag.Diagnostics {
	if err == nil || (len(left) == 0 && strings.Contains(err.Error(), "No such file or directory")) {
		return nil
	}
	why := err.Error()
	if len(left) > 0 {
		why = "it still holds " + strings.Join(left, ", ")
	}
	return diag.Diagnostics{{
		Severity: diag.Warning,
		Summary:  fmt.Sprintf("Storage pool %s is removed from %s, its folder %s is left there: %s.", name, c.host.name(), path, why),
	}}
}

// stopPool makes a pool inactive and returns the names of the volumes that were in it.
func stopPool(ctx context.Context, c *connection, pool golibvirt.StoragePool) ([]string, error) {
	active, err := c.virt.StoragePoolIsActive(pool)
	if err != nil {
		return nil, fmt.Errorf("the state of storage pool %s on %s cannot be read: %w", pool.Name, c.host.name(), err)
	}
	if active == 0 {
		return nil, nil
	}
	var names []string
	// A pool whose folder was taken away cannot be refreshed, and has nothing to list.
	if err := refreshPool(ctx, c, pool); err == nil {
		volumes, _, err := c.virt.StoragePoolListAllVolumes(pool, 1, 0)
		if err != nil {
			return nil, fmt.Errorf("the volumes of pool %s on %s cannot be listed: %w", pool.Name, c.host.name(), err)
		}
		for _, volume := range volumes {
			names = append(names, volume.Name)
		}
	}
	// libvirt itself stops a pool that it fails to refresh.
	if err := c.virt.StoragePoolDestroy(pool); err != nil && !isCode(err, golibvirt.ErrOperationInvalid) {
		return nil, fmt.Errorf("storage pool %s on %s cannot be stopped: %w", pool.Name, c.host.name(), err)
	}
	return names, nil
}

// activatePool starts a pool that is not active, and makes its folder if that is missing.
func activatePool(ctx context.Context, c *connection, pool golibvirt.StoragePool) error {
	active, err := c.virt.StoragePoolIsActive(pool)
	if err != nil {
		return fmt.Errorf("the state of storage pool %s on %s cannot be read: %w", pool.Name, c.host.name(), err)
	}
	if active == 1 {
		return nil
	}
	if err := c.virt.StoragePoolBuild(pool, golibvirt.StoragePoolBuildNew); err != nil {
		return fmt.Errorf("the folder of storage pool %s on %s cannot be made: %w", pool.Name, c.host.name(), err)
	}
	if err := c.virt.StoragePoolCreate(pool, golibvirt.StoragePoolCreateNormal); err != nil {
		return fmt.Errorf("storage pool %s on %s cannot be started: %w", pool.Name, c.host.name(), err)
	}
	return nil
}

// refreshPool makes libvirt look at the pool's files again. It waits while libvirt is busy with a
// volume of the pool for somebody else.
func refreshPool(ctx context.Context, c *connection, pool golibvirt.StoragePool) error {
	err := retry.RetryContext(ctx, refreshLimit, func() *retry.RetryError {
		err := c.virt.StoragePoolRefresh(pool, 0)
		switch {
		case err == nil:
			return nil
		case strings.Contains(err.Error(), "asynchronous jobs running"):
			return retry.RetryableError(err)
		default:
			return retry.NonRetryableError(err)
		}
	})
	if err != nil {
		return fmt.Errorf("storage pool %s on %s cannot be refreshed: %w", pool.Name, c.host.name(), err)
	}
	return nil
}

func lookupPool(c *connection, id string) (pool golibvirt.StoragePool, found bool, err error) {
	key, err := uuid.Parse(id)
	if err != nil {
		return pool, false, fmt.Errorf("storage pool id %q is no UUID: %w", id, err)
	}
	pool, err = c.virt.StoragePoolLookupByUUID(golibvirt.UUID(key))
	if isCode(err, golibvirt.ErrNoStoragePool) {
		return pool, false, nil
	}
	if err != nil {
		return pool, false, fmt.Errorf("storage pool %s on %s cannot be looked up: %w", id, c.host.name(), err)
	}
	return pool, true, nil
}

func poolDefinition(c *connection, pool golibvirt.StoragePool) (libvirtxml.StoragePool, error) {
	var def libvirtxml.StoragePool
	text, err := c.virt.StoragePoolGetXMLDesc(pool, 0)
	if err == nil {
		err = xml.Unmarshal([]byte(text), &def)
	}
	if err != nil {
		return def, fmt.Errorf("the definition of storage pool %s on %s cannot be read: %w", pool.Name, c.host.name(), err)
	}
	return def, nil
}

func poolPath(def libvirtxml.StoragePool) string {
	if def.Target == nil {
		return ""
	}
	return filepath.Clean(def.Target.Path)
}

func plannedPoolPath(d *schema.ResourceData) string {
	if path, ok := d.GetOk("target.0.path"); ok {
		return filepath.Clean(path.(string))
	}
	return filepath.Clean(d.Get("path").(string))
}

// tookOver is the note that an object of an earlier, interrupted run is used.
func tookOver(kind, name string, c *connection) diag.Diagnostic {
	return diag.Diagnostic{
		Severity: diag.Warning,
		Summary:  fmt.Sprintf("The %s %s was on %s already, as an interrupted run leaves it: it is used as it is.", kind, name, c.host.name()),
	}
}
