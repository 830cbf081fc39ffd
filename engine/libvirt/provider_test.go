package main

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/terraform"
)

func TestProviderIsValid(t *testing.T) {
	if err := Provider().InternalValidate(); err != nil {
		t.Fatal(err)
	}
}

func TestProviderHasTheStockSchema(t *testing.T) {
	stock, ours := libvirt.Provider(), Provider()
	for name, resource := range stock.ResourcesMap {
		if !reflect.DeepEqual(resource.CoreConfigSchema(), ours.ResourcesMap[name].CoreConfigSchema()) {
			t.Errorf("the schema of %s differs", name)
		}
	}
	for name, source := range stock.DataSourcesMap {
		if !reflect.DeepEqual(source.CoreConfigSchema(), ours.DataSourcesMap[name].CoreConfigSchema()) {
			t.Errorf("the schema of %s differs", name)
		}
	}
}

func TestConfigureNeedsNoHost(t *testing.T) {
	provider := Provider()
	config := terraform.NewResourceConfigRaw(map[string]any{"uri": "qemu+ssh://root@192.0.2.99/system"})
	if diagnostics := provider.Configure(context.Background(), config); diagnostics.HasError() {
		t.Fatal(diagnostics)
	}
	if _, ok := provider.Meta().(*host); !ok {
		t.Fatalf("meta is a %T", provider.Meta())
	}
}

func TestOneHostPerURI(t *testing.T) {
	if hostOf("test:///a") != hostOf("test:///a") {
		t.Error("the same URI gave two hosts")
	}
	if hostOf("test:///a") == hostOf("test:///b") {
		t.Error("two URIs gave one host")
	}
}

func TestDataThatIsComputedNeedsNoHost(t *testing.T) {
	h := &host{dial: func(context.Context, *host) (*connection, error) {
		t.Error("dialled")
		return nil, errors.New("no host")
	}}
	source := Provider().DataSourcesMap["libvirt_network_dns_host_template"]
	d := schema.TestResourceDataRaw(t, source.Schema, map[string]any{"ip": "10.0.0.2", "hostname": "a"})
	if err := source.Read(d, h); err != nil {
		t.Fatal(err)
	}
}

// fakeResource counts what reaches the wrapped operations, and the meta that they are given.
func fakeResource(seen *[]any) *schema.Resource {
	record := func(_ context.Context, _ *schema.ResourceData, meta any) diag.Diagnostics {
		*seen = append(*seen, meta)
		return nil
	}
	resource := &schema.Resource{CreateContext: record, ReadContext: record, DeleteContext: record,
		Schema: map[string]*schema.Schema{"name": {Type: schema.TypeString, Optional: true, ForceNew: true}}}
	connectLate(resource, nil)
	return resource
}

func TestOperationsConnectOnce(t *testing.T) {
	var seen []any
	resource := fakeResource(&seen)
	if resource.UpdateContext != nil {
		t.Error("a resource without update has got one")
	}
	var dials int
	h := &host{dial: func(_ context.Context, h *host) (*connection, error) {
		dials++
		return &connection{host: h, stock: "client"}, nil
	}}
	for _, run := range []schema.CreateContextFunc{
		resource.CreateContext, schema.CreateContextFunc(resource.ReadContext), schema.CreateContextFunc(resource.DeleteContext),
	} {
		if diagnostics := run(context.Background(), nil, h); diagnostics != nil {
			t.Fatal(diagnostics)
		}
	}
	if dials != 1 {
		t.Errorf("dialled %d times", dials)
	}
	if !reflect.DeepEqual(seen, []any{"client", "client", "client"}) {
		t.Errorf("the operations got %v", seen)
	}
}

func TestAFailedDialIsThatOperationsErrorAndIsTriedAgain(t *testing.T) {
	var seen []any
	resource := fakeResource(&seen)
	var dials int
	h := &host{dial: func(_ context.Context, h *host) (*connection, error) {
		if dials++; dials == 1 {
			return nil, errors.New("host lab-1 is off")
		}
		return &connection{host: h, stock: "client"}, nil
	}}
	fails(t, resource.CreateContext(context.Background(), nil, h), "host lab-1 is off")
	if len(seen) != 0 {
		t.Error("the operation ran without a connection")
	}
	if diagnostics := resource.CreateContext(context.Background(), nil, h); diagnostics != nil {
		t.Fatal(diagnostics)
	}
	if dials != 2 || len(seen) != 1 {
		t.Errorf("dialled %d times, ran %d times", dials, len(seen))
	}
}

func TestOperationsAtTheSameTimeShareOneDial(t *testing.T) {
	var dials atomic.Int32
	h := &host{dial: func(_ context.Context, h *host) (*connection, error) {
		dials.Add(1)
		return &connection{host: h}, nil
	}}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := h.connect(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if dials.Load() != 1 {
		t.Errorf("dialled %d times", dials.Load())
	}
}

func TestALostConnectionIsMadeAgain(t *testing.T) {
	l := newLive(t)
	first, err := l.host.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.virt.Disconnect(); err != nil {
		t.Fatal(err)
	}
	second, err := l.host.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if second == first || !second.alive() {
		t.Error("the lost connection is still used")
	}
	l.conn.virt = second.virt // what the test's cleanup disconnects
}
