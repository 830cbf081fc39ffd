package main

import (
	"context"
	"errors"
	"testing"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

func lostHost(t *testing.T) *host {
	return &host{
		uri: "qemu:///system?host=shelf3&lost=unplugged%20by%20Ann",
		dial: func(context.Context, *host) (*connection, error) {
			t.Error("dialled")
			return nil, errors.New("nobody answers")
		},
	}
}

func TestWhatIsOnALostHostIsDeletedWithoutAskingIt(t *testing.T) {
	for name, resource := range Provider().ResourcesMap {
		d := schema.TestResourceDataRaw(t, resource.Schema, map[string]any{"name": "n"})
		d.SetId("5a0b1f6e-53e8-4a57-9a54-0d3f8f2d7f11")
		if diagnostics := resource.DeleteContext(context.Background(), d, lostHost(t)); len(diagnostics) > 0 {
			t.Errorf("%s: %s", name, texts(diagnostics))
		}
	}
}

func TestNothingIsMadeOrReadOnALostHost(t *testing.T) {
	for name, resource := range Provider().ResourcesMap {
		d := schema.TestResourceDataRaw(t, resource.Schema, map[string]any{"name": "n"})
		for _, run := range []contextFunc{resource.CreateContext, resource.ReadContext, resource.UpdateContext} {
			if run == nil {
				continue
			}
			t.Log(name)
			fails(t, run(context.Background(), d, lostHost(t)), "shelf3 is not asked", "lost (unplugged by Ann)", "take that out of the site file")
		}
	}
}

func TestAHostThatIsNotSaidToBeLostIsAsked(t *testing.T) {
	for _, uri := range []string{"qemu:///system?host=shelf3", "qemu:///system?host=shelf3&lost="} {
		if reason, lost := (&host{uri: uri}).lost(); lost {
			t.Errorf("%s is lost, because %q", uri, reason)
		}
	}
}
