package main

import (
	"fmt"
	"log"
	"os"
	"strings"
	"time"
)

// exitWithParent ends this process when the run that it belongs to is gone. An upload must not go on
// after its run was killed: the next run would find the volume in use, and this one's outcome would
// be recorded nowhere. The bridge between the engine and this process takes minutes to notice that
// the engine is gone, so the engine's process is watched too, where /proc shows it.
func exitWithParent() {
	parent := os.Getppid()
	engine := parentOf(parent)
	for range time.Tick(time.Second) {
		if os.Getppid() != parent || parentOf(parent) != engine {
			log.Printf("[INFO] the run that this provider belongs to has ended: ending too")
			os.Exit(1)
		}
	}
}

// parentOf returns the process that started that one, or 0 where that cannot be seen.
func parentOf(process int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	if err != nil {
		return 0
	}
	// The name, in brackets, may hold anything; state and parent follow it.
	var state string
	var parent int
	after := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	if _, err := fmt.Sscan(after, &state, &parent); err != nil {
		return 0
	}
	return parent
}
