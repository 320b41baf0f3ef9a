package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Bandwidth is how much this host's links to physical networks carry: for each bridge that OVN maps one to, the speed of
// the devices in it as Open vSwitch knows it. Of several the fastest counts, of a bond all together.
func Bandwidth(ctx context.Context) (protocol.Bandwidth, error) {
	settings, err := (&Engines{}).switchIDs().read(ctx)
	if err != nil {
		return "", err
	}
	speeds, err := bridgeSpeeds(ctx)
	if err != nil {
		return "", err
	}
	links := map[string]int{}
	for mapping := range strings.SplitSeq(settings["ovn-bridge-mappings"], ",") {
		if physical, bridge, ok := strings.Cut(strings.TrimSpace(mapping), ":"); ok && speeds[bridge] > 0 {
			links[physical] = speeds[bridge]
		}
	}
	return protocol.NewBandwidth(links), nil
}

// bridgeSpeeds are the speeds of bridges' fastest ports, in kbit/s; a bridge without any that is known is left out.
func bridgeSpeeds(ctx context.Context) (map[string]int, error) {
	interfaces, err := selectAll(ctx, "Interface", "_uuid", "type", "link_speed")
	if err != nil {
		return nil, err
	}
	ports, err := selectAll(ctx, "Port", "_uuid", "interfaces")
	if err != nil {
		return nil, err
	}
	all, err := selectAll(ctx, "Bridge", "name", "ports")
	if err != nil {
		return nil, err
	}
	speed := map[string]int{} // of interfaces, then of ports, by UUID
	for _, row := range interfaces {
		var kind string
		var bits int
		if json.Unmarshal(row["type"], &kind) == nil && kind == "" && json.Unmarshal(row["link_speed"], &bits) == nil { // a set where it is not known
			for _, id := range uuids(row["_uuid"]) {
				speed[id] = bits / 1000
			}
		}
	}
	for _, row := range ports {
		for _, id := range uuids(row["_uuid"]) {
			for _, member := range uuids(row["interfaces"]) {
				speed[id] += speed[member]
			}
		}
	}
	out := map[string]int{}
	for _, row := range all {
		var name string
		if err := json.Unmarshal(row["name"], &name); err != nil {
			return nil, fmt.Errorf("read the bridges: %w", err)
		}
		for _, port := range uuids(row["ports"]) {
			if speed[port] > out[name] {
				out[name] = speed[port]
			}
		}
	}
	return out, nil
}

func selectAll(ctx context.Context, table string, columns ...string) ([]map[string]json.RawMessage, error) {
	return transact(ctx, ovsSocket, "Open_vSwitch", map[string]any{"op": "select", "table": table, "where": []any{}, "columns": columns})
}

// uuids reads a column of one UUID or of a set of them: RFC 7047, section 5.1.
func uuids(column json.RawMessage) []string {
	var one [2]string
	if json.Unmarshal(column, &one) == nil {
		return []string{one[1]}
	}
	var set [2]json.RawMessage
	var list [][2]string
	if json.Unmarshal(column, &set) != nil || json.Unmarshal(set[1], &list) != nil {
		return nil
	}
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i][1]
	}
	return out
}
