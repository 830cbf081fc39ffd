package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"flag"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

// liveVariable names the libvirt URI that the tests of real operations run against, such as
// qemu:///system?socket=/tmp/x/libvirt-sock. They run as root, and need a daemon that does too, x86_64
// emulation, mkisofs, xsltproc, and a folder for pools that both sides see.
const liveVariable = "BRAMBLE_TEST_LIBVIRT_URI"

func TestMain(m *testing.M) {
	flag.Parse()
	if !testing.Verbose() {
		log.SetOutput(io.Discard) // the stock provider logs every step
	}
	os.Exit(m.Run())
}

// live is a real host, and a prefix for names that no other test uses.
type live struct {
	*testing.T
	host   *host
	conn   *connection
	prefix string
}

func newLive(t *testing.T) *live {
	t.Helper()
	uri := os.Getenv(liveVariable)
	if uri == "" {
		t.Skipf("%s is not set: no libvirt to try this on", liveVariable)
	}
	h := &host{uri: uri, dial: dial}
	conn, err := h.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.virt.Disconnect(); err != nil {
			t.Error(err)
		}
	})
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	return &live{T: t, host: h, conn: conn, prefix: "t" + hex.EncodeToString(random)}
}

// object is a resource with its state, as the engine holds it.
type object struct {
	t        *live
	resource *schema.Resource
	d        *schema.ResourceData
}

func (t *live) plan(resource string, inputs map[string]any) *object {
	t.Helper()
	r := Provider().ResourcesMap[resource]
	return &object{t: t, resource: r, d: schema.TestResourceDataRaw(t.T, r.Schema, inputs)}
}

func (o *object) create() diag.Diagnostics {
	o.t.Helper()
	return o.resource.CreateContext(context.Background(), o.d, o.t.host)
}

func (o *object) read() diag.Diagnostics {
	o.t.Helper()
	return o.resource.ReadContext(context.Background(), o.d, o.t.host)
}

func (o *object) remove() diag.Diagnostics {
	o.t.Helper()
	return o.resource.DeleteContext(context.Background(), o.d, o.t.host)
}

// made creates the object and removes it when the test ends.
func (o *object) made() *object {
	o.t.Helper()
	o.t.succeeds(o.create())
	o.t.Cleanup(func() { o.t.succeeds(o.remove()) })
	return o
}

func (t *live) pool() *object {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pool")
	return t.plan("libvirt_pool", map[string]any{
		"name": t.prefix, "type": "dir", "target": []any{map[string]any{"path": path}},
	})
}

func (t *live) volume(name string, more map[string]any) *object {
	t.Helper()
	inputs := map[string]any{"name": name, "pool": t.prefix}
	for key, value := range more {
		inputs[key] = value
	}
	return t.plan("libvirt_volume", inputs)
}

// file writes a file for an upload and returns its path.
func (t *live) file(name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func (t *live) succeeds(diagnostics diag.Diagnostics) {
	t.Helper()
	if diagnostics.HasError() {
		t.Fatalf("failed: %s", texts(diagnostics))
	}
}

// fails checks that there is an error and that it says all of the wanted.
func fails(t *testing.T, diagnostics diag.Diagnostics, wanted ...string) {
	t.Helper()
	if !diagnostics.HasError() {
		t.Fatalf("did not fail: %q", texts(diagnostics))
	}
	says(t, diagnostics, wanted...)
}

func says(t *testing.T, diagnostics diag.Diagnostics, wanted ...string) {
	t.Helper()
	for _, part := range wanted {
		if !strings.Contains(texts(diagnostics), part) {
			t.Errorf("%q does not say %q", texts(diagnostics), part)
		}
	}
}

func texts(diagnostics diag.Diagnostics) string {
	var lines []string
	for _, diagnostic := range diagnostics {
		lines = append(lines, diagnostic.Summary)
	}
	return strings.Join(lines, "\n")
}
