package ovn

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/cache"
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// southbound is one connection to the southbound database: it keeps the list of chassis. When that changes, everything
// is stated again, as gateways may move.
func (e *Engine) southbound(ctx context.Context, w network.Watch) error {
	m, err := model.NewClientDBModel("OVN_Southbound", map[string]model.Model{tableChassis: &SBChassis{}})
	if err != nil {
		return fmt.Errorf("describing the southbound database: %w", err)
	}
	changed := make(chan struct{}, 1)
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	c, err := connect(ctx, m, e.cfg.Southbound, false, e.cfg.TLS, func(c client.Client) {
		c.Cache().AddEventHandler(&cache.EventHandlerFuncs{
			AddFunc:    func(string, model.Model) { wake() },
			UpdateFunc: func(string, model.Model, model.Model) { wake() },
			DeleteFunc: func(string, model.Model) { wake() },
		})
	})
	if err != nil {
		return err
	}
	defer c.Close()
	tables := c.Cache()
	if tables == nil {
		return errLost
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lost := make(chan error, 1)
	go func() { lost <- watch(ctx, c) }()
	wake()
	for {
		select {
		case err := <-lost:
			return err
		case <-changed:
			if e.setChassis(readChassis(tables)) {
				w.Resync()
			}
		}
	}
}

func readChassis(tables *cache.TableCache) []Chassis {
	var out []Chassis
	for _, row := range tables.Table(tableChassis).RowsShallow() {
		if c, ok := row.(*SBChassis); ok {
			out = append(out, Chassis{c.Name, physical(c)})
		}
	}
	slices.SortFunc(out, func(a, b Chassis) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// physical are the physical networks that a chassis is joined to: "outside:br-outside,dc:br-dc" are two.
func physical(c *SBChassis) []string {
	mappings := c.OtherConfig["ovn-bridge-mappings"]
	if mappings == "" {
		mappings = c.ExternalIDs["ovn-bridge-mappings"]
	}
	var out []string
	for m := range strings.SplitSeq(mappings, ",") {
		if name, _, ok := strings.Cut(strings.TrimSpace(m), ":"); ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Joined implements network.Joiner.
func (e *Engine) Joined() map[string][]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make(map[string][]string, len(e.chassis))
	for _, c := range e.chassis {
		out[c.Name] = c.Physical
	}
	return out
}

// setChassis keeps the list, and tells whether it is another than before.
func (e *Engine) setChassis(list []Chassis) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known && reflect.DeepEqual(e.chassis, list) {
		return false
	}
	e.chassis, e.known = list, true
	return true
}
