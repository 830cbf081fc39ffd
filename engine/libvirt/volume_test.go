package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

func TestVolumeOfAnInterruptedUploadIsMadeAgain(t *testing.T) {
	l := newLive(t)
	pool := l.pool().made()
	path := filepath.Join(pool.d.Get("target.0.path").(string), "kernel")
	if err := os.WriteFile(path, []byte("half an upl"), 0o644); err != nil {
		t.Fatal(err)
	}
	whole := bytes.Repeat([]byte("whole "), 1000)
	volume := l.volume("kernel", map[string]any{"source": l.file("image", whole), "format": "raw"}).made()
	if content, err := os.ReadFile(path); err != nil || !bytes.Equal(content, whole) {
		t.Errorf("it holds %d bytes, %v", len(content), err)
	}
	if volume.d.Id() != path {
		t.Errorf("id %s", volume.d.Id())
	}
}

func TestOverlayOfAnInterruptedRunIsMadeAgain(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	base := l.volume("base", map[string]any{"size": 1 << 20}).made()
	overlay := map[string]any{"base_volume_id": base.d.Id(), "size": 2 << 20}
	first := l.volume("root", overlay).made()
	before, err := os.Stat(first.d.Id())
	if err != nil {
		t.Fatal(err)
	}
	l.succeeds(l.volume("root", overlay).create())
	after, err := os.Stat(first.d.Id())
	if err != nil {
		t.Fatal(err)
	}
	if os.SameFile(before, after) && before.ModTime().Equal(after.ModTime()) {
		t.Error("the old overlay is still there")
	}
}

func TestDataDiskIsTakenOverAndNeverWritten(t *testing.T) {
	l := newLive(t)
	pool := l.pool().made()
	path := filepath.Join(pool.d.Get("target.0.path").(string), "etcd")
	content := append([]byte("etcd's data"), make([]byte, 4<<20)...)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{len(content), 1 << 20} {
		disk := l.volume("etcd", map[string]any{"size": size, "format": "raw"})
		diagnostics := disk.create()
		l.succeeds(diagnostics)
		says(t, diagnostics, "etcd", "interrupted run")
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("the data changed: %d bytes, %v", len(got), err)
		}
		// What is recorded must not differ from what is planned: the difference would replace it.
		if recorded := disk.d.Get("size").(int); recorded != size {
			t.Errorf("recorded %d, planned %d", recorded, size)
		}
		l.succeeds(disk.read())
		if recorded := disk.d.Get("size").(int); recorded != size {
			t.Errorf("a refresh recorded %d, planned %d", recorded, size)
		}
	}
	l.succeeds(l.volume("etcd", map[string]any{"size": 1 << 20, "format": "raw"}).createdElsewhere(path).remove())
}

// createdElsewhere gives the object an id as if it had been created.
func (o *object) createdElsewhere(id string) *object {
	o.d.SetId(id)
	return o
}

func TestDataDiskThatDoesNotFitIsRefused(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	l.volume("etcd", map[string]any{"size": 2 << 20}).made()
	fails(t, l.volume("etcd", map[string]any{"size": 8 << 20}).create(), "etcd", "2 MiB", "8 MiB", "left alone")
	fails(t, l.volume("etcd", map[string]any{"size": 2 << 20, "format": "raw"}).create(), "etcd", "qcow2", "raw", "left alone")
}

func TestVolumeThatIsTooLargeIsRefusedBeforeTheUpload(t *testing.T) {
	l := newLive(t)
	pool := l.pool().made()
	image := filepath.Join(t.TempDir(), "huge")
	file, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	// A hole of 8 TiB: no disk of a test machine has room for its content.
	if err := file.Truncate(8 << 40); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	fails(t, l.volume("root", map[string]any{"source": image, "format": "raw"}).create(),
		l.prefix, l.host.name(), "8388608 MiB", "8796093022208 bytes", "free", "nothing was written")
	fails(t, l.volume("data", map[string]any{"size": 8 << 40, "format": "raw"}).create(), "8796093022208 bytes")
	entries, err := os.ReadDir(pool.d.Get("target.0.path").(string))
	if err != nil || len(entries) > 0 {
		t.Errorf("the pool holds %v, %v", entries, err)
	}
}

func TestVolumeWhoseCreationFailsLeavesNothing(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	volume := l.volume("root", map[string]any{"base_volume_id": "/nowhere", "size": 1 << 20})
	fails(t, volume.create(), "/nowhere")
	if volume.d.Id() != "" {
		t.Errorf("it has the id %s", volume.d.Id())
	}
}

func TestVolumeOfAStoppedPoolIsRemoved(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	volume := l.volume("root", map[string]any{"size": 1 << 20})
	l.succeeds(volume.create())
	stored, err := l.conn.virt.StoragePoolLookupByName(l.prefix)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.conn.virt.StoragePoolDestroy(stored); err != nil {
		t.Fatal(err)
	}
	l.succeeds(volume.remove())
	if _, err := os.Stat(volume.d.Id()); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
	l.succeeds(volume.remove()) // gone already
}

func TestVolumeInAPoolThatIsNotThereNamesTheHost(t *testing.T) {
	l := newLive(t)
	fails(t, l.volume("root", map[string]any{"size": 1}).create(), l.prefix, l.host.name())
}

func TestTwoRunsMayFillOnePoolAtTheSameTime(t *testing.T) {
	one := newLive(t)
	pool := one.pool().made()
	two := newLive(t) // its own connections and locks, as another process has them
	two.prefix = one.prefix
	var group sync.WaitGroup
	for i := range 8 {
		l := []*live{one, two}[i%2]
		name, content := fmt.Sprintf("image%d", i), bytes.Repeat([]byte{byte(i)}, 4<<20)
		volume := l.volume(name, map[string]any{"source": l.file(name, content), "format": "raw"})
		group.Go(func() {
			if diagnostics := volume.create(); diagnostics.HasError() {
				t.Errorf("%s: %s", name, texts(diagnostics))
				return
			}
			got, err := os.ReadFile(filepath.Join(pool.d.Get("target.0.path").(string), name))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s holds %d bytes, %v", name, len(got), err)
			}
			if diagnostics := volume.remove(); diagnostics.HasError() {
				t.Errorf("%s: %s", name, texts(diagnostics))
			}
		})
	}
	group.Wait()
}

func TestSpaceNeeded(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, make([]byte, 12345), 0o600); err != nil {
		t.Fatal(err)
	}
	resource := Provider().ResourcesMap["libvirt_volume"]
	for name, test := range map[string]struct {
		inputs map[string]any
		need   uint64
	}{
		"an image by path":          {map[string]any{"source": image}, 12345},
		"an image by file URL":      {map[string]any{"source": "file://" + image}, 12345},
		"an image behind HTTP":      {map[string]any{"source": "http://127.0.0.1:1/image"}, 0},
		"an overlay":                {map[string]any{"base_volume_id": "/b", "size": 1 << 40}, 256 << 20},
		"a data disk":               {map[string]any{"size": 1 << 40}, 256 << 20},
		"a data disk in raw format": {map[string]any{"size": 1 << 40, "format": "raw"}, 1 << 40},
	} {
		t.Run(name, func(t *testing.T) {
			test.inputs["name"] = "v"
			need, _, err := spaceNeeded(schema.TestResourceDataRaw(t, resource.Schema, test.inputs))
			if err != nil || need != test.need {
				t.Errorf("needs %d, %v; not %d", need, err, test.need)
			}
		})
	}
	missing := schema.TestResourceDataRaw(t, resource.Schema, map[string]any{"name": "v", "source": image + "x"})
	if _, _, err := spaceNeeded(missing); err == nil || !strings.Contains(err.Error(), image+"x") {
		t.Errorf("a missing image gives %v", err)
	}
}
