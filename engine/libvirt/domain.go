package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"libvirt.org/go/libvirtxml"
)

// undefineFlags are for a domain with all that libvirt keeps beside its definition.
const undefineFlags = golibvirt.DomainUndefineNvram | golibvirt.DomainUndefineManagedSave |
	golibvirt.DomainUndefineSnapshotsMetadata | golibvirt.DomainUndefineCheckpointsMetadata

// goneLimit bounds the wait until libvirt has forgotten a domain that was undefined.
const goneLimit = 30 * time.Second

func improveDomain(stock operations) operations {
	improved := stock
	improved.create = createDomain(stock)
	improved.remove = removeDomain
	return improved
}

// createDomain removes a domain of the planned name first if it bears the planned description (which
// names the site): an interrupted run made it. Another domain of that name is not this site's, and
// an error.
func createDomain(stock operations) operation {
	return func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
		if err := removeLeftover(ctx, d, c); err != nil {
			return diag.FromErr(err)
		}
		if err := seeVolumes(ctx, d, c); err != nil {
			return diag.FromErr(err)
		}
		diagnostics := stock.create(ctx, d, c)
		if diagnostics.HasError() {
			// A domain that was defined and did not start would be in the way of the next run.
			d.SetId("")
			if d.Get("description").(string) != "" {
				diagnostics = append(diagnostics, diag.FromErr(removeLeftover(context.WithoutCancel(ctx), d, c))...)
			}
		}
		return diagnostics
	}
}

// seeVolumes makes libvirt look again at its pools for disks of the domain that it does not know: a
// pool may be on storage that hosts share, and the disk have been made by another one.
func seeVolumes(ctx context.Context, d *schema.ResourceData, c *connection) error {
	for i := range d.Get("disk.#").(int) {
		key := d.Get(fmt.Sprintf("disk.%d.volume_id", i)).(string)
		if key == "" {
			continue
		}
		_, err := c.virt.StorageVolLookupByKey(key)
		if err == nil {
			continue
		}
		if !isCode(err, golibvirt.ErrNoStorageVol) {
			return fmt.Errorf("disk %s on %s cannot be looked up: %w", key, c.host.name(), err)
		}
		if err := refreshPoolAt(ctx, c, filepath.Dir(key)); err != nil {
			return err
		}
	}
	return nil
}

// refreshPoolAt makes libvirt look at the files of the pool with that folder, if it has one.
func refreshPoolAt(ctx context.Context, c *connection, folder string) error {
	pools, _, err := c.virt.ConnectListAllStoragePools(1, 0)
	if err != nil {
		return fmt.Errorf("the storage pools on %s cannot be listed: %w", c.host.name(), err)
	}
	for _, pool := range pools {
		def, err := poolDefinition(c, pool)
		if err != nil {
			return err
		}
		if def.Type != "dir" || poolPath(def) != folder {
			continue
		}
		defer c.host.pools.lock(pool.Name)()
		return freshPool(ctx, c, pool)
	}
	return nil
}

// removeDomain shuts the guest down, turns the power off if it does not in time, removes the domain,
// and returns when libvirt no longer knows it. The guest's disks are other resources.
func removeDomain(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
	limit, err := shutdownTimeout()
	if err != nil {
		return diag.FromErr(err)
	}
	key, err := uuid.Parse(d.Id())
	if err != nil {
		return diag.Errorf("domain id %q is no UUID: %s", d.Id(), err)
	}
	domain, err := c.virt.DomainLookupByUUID(golibvirt.UUID(key))
	if isCode(err, golibvirt.ErrNoDomain) {
		return nil
	}
	if err != nil {
		return diag.Errorf("domain %s on %s cannot be looked up: %s", d.Get("name"), c.host.name(), err)
	}
	forced, err := stopDomain(ctx, c, domain, limit)
	if err == nil {
		err = undefineDomain(ctx, c, domain)
	}
	if err != nil {
		return diag.FromErr(err)
	}
	if !forced || limit == 0 {
		return nil
	}
	return diag.Diagnostics{{
		Severity: diag.Warning,
		Summary:  fmt.Sprintf("Domain %s on %s did not shut down within %s: its power was turned off.", domain.Name, c.host.name(), limit),
	}}
}

func removeLeftover(ctx context.Context, d *schema.ResourceData, c *connection) error {
	name, planned := d.Get("name").(string), d.Get("description").(string)
	domain, err := c.virt.DomainLookupByName(name)
	if isCode(err, golibvirt.ErrNoDomain) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("domain %s on %s cannot be looked up: %w", name, c.host.name(), err)
	}
	text, err := c.virt.DomainGetXMLDesc(domain, 0)
	var def libvirtxml.Domain
	if err == nil {
		err = xml.Unmarshal([]byte(text), &def)
	}
	if err != nil {
		return fmt.Errorf("the definition of domain %s on %s cannot be read: %w", name, c.host.name(), err)
	}
	if planned == "" || def.Description != planned {
		return fmt.Errorf("domain %s exists on %s already and is not this site's (its description is %q, this site's would be %q). Give this site or this node another name, or remove that domain with `virsh undefine %s` if nobody needs it",
			name, c.host.name(), def.Description, planned, name)
	}
	if _, err := stopDomain(ctx, c, domain, 0); err != nil {
		return err
	}
	return undefineDomain(ctx, c, domain)
}

// undefineDomain removes the definition of a domain that is off, and waits until it is gone.
func undefineDomain(ctx context.Context, c *connection, domain golibvirt.Domain) error {
	err := c.virt.DomainUndefineFlags(domain, undefineFlags)
	if err != nil && !isCode(err, golibvirt.ErrNoDomain) {
		return fmt.Errorf("domain %s on %s cannot be undefined: %w", domain.Name, c.host.name(), err)
	}
	gone, err := waitUntil(ctx, goneLimit, func() (bool, error) {
		_, err := c.virt.DomainLookupByUUID(domain.UUID)
		if isCode(err, golibvirt.ErrNoDomain) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("domain %s on %s cannot be looked up: %w", domain.Name, c.host.name(), err)
	}
	if !gone {
		return fmt.Errorf("domain %s is still there on %s, %s after it was removed: look at it with `virsh dominfo %s`, and run again",
			domain.Name, c.host.name(), goneLimit, domain.Name)
	}
	return nil
}
