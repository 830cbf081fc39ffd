package main

import (
	"context"

	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

// operation is one of a resource's create, read, update and delete, on a host that is connected.
type operation func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics

// operations are those that a resource has; the others are nil.
type operations struct {
	create, read, update, remove operation
}

// improvements gives, for each resource that is more than connected late, the operations that take
// the place of the stock ones.
var improvements = map[string]func(stock operations) operations{
	"libvirt_pool":           improvePool,
	"libvirt_network":        improveNetwork,
	"libvirt_volume":         improveVolume,
	"libvirt_cloudinit_disk": improveCloudinitDisk,
	"libvirt_domain":         improveDomain,
}

// offlineData are the data sources that only compute: they never need a host.
var offlineData = map[string]bool{
	"libvirt_network_dns_host_template":        true,
	"libvirt_network_dns_srv_template":         true,
	"libvirt_network_dnsmasq_options_template": true,
}

// Provider returns the stock provider with every operation connected late, and improved.
func Provider() *schema.Provider {
	provider := libvirt.Provider()
	provider.ConfigureFunc = nil
	provider.ConfigureContextFunc = func(_ context.Context, d *schema.ResourceData) (any, diag.Diagnostics) {
		return hostOf(d.Get("uri").(string)), nil
	}
	for name, resource := range provider.ResourcesMap {
		connectLate(resource, improvements[name])
	}
	for name, source := range provider.DataSourcesMap {
		if !offlineData[name] {
			connectLate(source, nil)
		}
	}
	return provider
}

// connectLate makes a resource of the stock provider take a *host as its meta and connect to it when
// an operation runs. improve, if not nil, replaces operations.
func connectLate(resource *schema.Resource, improve func(operations) operations) {
	ops := stockOperations(resource)
	if improve != nil {
		ops = improve(ops)
	}
	resource.Read = nil
	resource.CreateContext = connected(ops.create)
	resource.ReadContext = connected(ops.read)
	resource.UpdateContext = connected(ops.update)
	resource.DeleteContext = unlessLost(connected(ops.remove))
}

type contextFunc = func(context.Context, *schema.ResourceData, any) diag.Diagnostics

// unlessLost makes a delete on a host that is lost succeed: what was there is gone with the host.
func unlessLost(remove contextFunc) contextFunc {
	if remove == nil {
		return nil
	}
	return func(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
		if _, lost := meta.(*host).lost(); lost {
			return nil
		}
		return remove(ctx, d, meta)
	}
}

func connected(op operation) contextFunc {
	if op == nil {
		return nil
	}
	return func(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
		h := meta.(*host)
		if reason, lost := h.lost(); lost {
			return diag.Errorf("libvirt on %s is not asked for anything: the site says that this host is lost (%s). If it is back, take that out of the site file; if not, nothing can be made or changed on it",
				h.name(), reason)
		}
		c, err := h.connect(ctx)
		if err != nil {
			return diag.FromErr(err)
		}
		return op(ctx, d, c)
	}
}

func stockOperations(resource *schema.Resource) operations {
	ops := operations{
		create: stockOperation(resource.CreateContext),
		read:   stockOperation(resource.ReadContext),
		update: stockOperation(resource.UpdateContext),
		remove: stockOperation(resource.DeleteContext),
	}
	// The data sources still have the field that has no context.
	if read := resource.Read; read != nil {
		ops.read = func(_ context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
			return diag.FromErr(read(d, c.stock))
		}
	}
	return ops
}

func stockOperation(f func(context.Context, *schema.ResourceData, any) diag.Diagnostics) operation {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
		return f(ctx, d, c.stock)
	}
}
