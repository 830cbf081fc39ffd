package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// shutdownVariable is the environment variable with the seconds that a guest has to shut down before
// its power is turned off; 0 turns it off at once.
const shutdownVariable = "BRAMBLE_SHUTDOWN_TIMEOUT"

const (
	// Systemd gives a service that hangs 90 s; a guest whose CPU is emulated needs much of that anyway.
	defaultShutdownTimeout = 90 * time.Second
	// A guest that has only begun to start does not hear the power button: it is pressed again.
	pressInterval = 10 * time.Second
	pollInterval  = 250 * time.Millisecond
)

// shutdownTimeout is the time that a guest has to shut down.
func shutdownTimeout() (time.Duration, error) {
	given := os.Getenv(shutdownVariable)
	if given == "" {
		return defaultShutdownTimeout, nil
	}
	seconds, err := strconv.ParseUint(given, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s=%q is not a number of seconds, such as 90, or 0 to turn the power off at once", shutdownVariable, given)
	}
	return time.Duration(seconds) * time.Second, nil
}

// stopDomain makes a domain inactive: by the power button, if limit allows any time for that, and
// else (forced) by turning its power off.
func stopDomain(ctx context.Context, c *connection, domain golibvirt.Domain, limit time.Duration) (forced bool, err error) {
	stopped, err := pressUntilOff(ctx, c, domain, limit)
	if err != nil || stopped {
		return false, err
	}
	destroyErr := c.virt.DomainDestroy(domain)
	// It may have stopped by itself in between, so the state decides, not the answer.
	if active, err := isActive(c, domain); err != nil || active {
		if err == nil {
			err = destroyErr
		}
		return true, fmt.Errorf("domain %s on %s cannot be turned off: %w", domain.Name, c.host.name(), err)
	}
	return true, nil
}

// pressUntilOff presses the power button until the guest is off or the time is over.
func pressUntilOff(ctx context.Context, c *connection, domain golibvirt.Domain, limit time.Duration) (off bool, err error) {
	var pressed time.Time
	off, err = waitUntil(ctx, limit, func() (bool, error) {
		active, err := isActive(c, domain)
		if err != nil || !active {
			return true, err
		}
		if limit > 0 && time.Since(pressed) > pressInterval {
			pressed = time.Now()
			// Refused where the guest has just stopped or is paused; the state decides, not the answer.
			_ = c.virt.DomainShutdownFlags(domain, golibvirt.DomainShutdownAcpiPowerBtn)
		}
		return false, nil
	})
	if err != nil {
		return false, fmt.Errorf("domain %s on %s cannot be shut down: %w", domain.Name, c.host.name(), err)
	}
	return off, nil
}

func isActive(c *connection, domain golibvirt.Domain) (bool, error) {
	active, err := c.virt.DomainIsActive(domain)
	if isCode(err, golibvirt.ErrNoDomain) {
		return false, nil
	}
	return active == 1, err
}

// waitUntil asks until the answer is yes (true) or the time is over (false). It asks at least once.
func waitUntil(ctx context.Context, limit time.Duration, ask func() (bool, error)) (bool, error) {
	deadline := time.Now().Add(limit)
	for {
		if yes, err := ask(); err != nil || yes {
			return yes, err
		}
		if !time.Now().Add(pollInterval).Before(deadline) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(pollInterval):
		}
	}
}
