package main

import (
	"os"
	"runtime"
	"testing"
)

func TestParentOf(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is a thing of Linux")
	}
	if got := parentOf(os.Getpid()); got != os.Getppid() {
		t.Errorf("the parent is %d, not %d", got, os.Getppid())
	}
	if got := parentOf(-1); got != 0 {
		t.Errorf("no process has the parent %d", got)
	}
}
