package ovn

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

var _ network.Tracer = (*Engine)(nil)

// traceTime is the most that a trace may take.
const traceTime = 20 * time.Second

// Trace implements network.Tracer: it asks OVN's own tracer, ovn-trace(8), which reads the southbound database.
func (e *Engine) Trace(ctx context.Context, p network.Packet) ([]network.Hop, error) {
	ctx, cancel := context.WithTimeout(ctx, traceTime)
	defer cancel()
	args := []string{"--db=" + strings.Join(e.cfg.Southbound, ","), "--no-friendly-names", "--no-leader-only"}
	for range 8 { // a connection's first packet is new to every tracker that it meets
		args = append(args, "--ct=new")
	}
	cmd := exec.CommandContext(ctx, "ovn-trace", append(args, flow(p))...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && len(exit.Stderr) > 0 {
			return nil, fmt.Errorf("ovn-trace: %w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return nil, fmt.Errorf("ovn-trace: %w", err)
	}
	return parseTrace(string(out)), nil
}

// flow is a packet in the words of ovn-trace.
func flow(p network.Packet) string {
	ip, icmp := "ip4", "icmp4 && icmp4.type == 8 && icmp4.code == 0"
	if p.Dest.Is6() {
		ip, icmp = "ip6", "icmp6 && icmp6.type == 128 && icmp6.code == 0"
	}
	last := icmp
	if p.Protocol != "icmp" {
		last = fmt.Sprintf("%s && %s.src == 40000 && %s.dst == %d", p.Protocol, p.Protocol, p.Protocol, p.Port)
	}
	return fmt.Sprintf("inport == %q && eth.src == %s && eth.dst == %s && %s.src == %s && %s.dst == %s && ip.ttl == 64 && %s",
		p.InPort, p.SourceMAC, p.DestMAC, ip, p.Source, ip, p.Dest, last)
}

// parseTrace reads the detailed output of ovn-trace.
func parseTrace(text string) []network.Hop {
	var (
		pipeline = regexp.MustCompile(`^\s*(?:ingress|egress|multicast)\(dp="([^"]*)"(?:, inport="([^"]*)")?(?:, outport="([^"]*)")?`)
		stage    = regexp.MustCompile(`^\s*\d+\. (\w+)(?: \([\w.:]*\))?: (.*)$`)
		priority = regexp.MustCompile(`, priority \d+, uuid \w+$`)
		output   = regexp.MustCompile(`/\* output to "([^"]*)", type "([^"]*)" \*/`)
		at       network.Hop
		out      []network.Hop
	)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := pipeline.FindStringSubmatch(line); m != nil {
			at = network.Hop{Datapath: m[1], InPort: m[2], OutPort: m[3]}
			continue
		}
		if m := stage.FindStringSubmatch(line); m != nil {
			h := at
			h.Stage = m[1]
			if !strings.HasPrefix(m[2], "no match") {
				h.Match = priority.ReplaceAllString(m[2], "")
			}
			if h.Match != "" || strings.Contains(m[2], "implicit drop") {
				out = append(out, h)
			}
			continue
		}
		if m := output.FindStringSubmatch(line); m != nil {
			h := at
			h.Output, h.OutputType = m[1], m[2]
			out = append(out, h)
			continue
		}
		if n := len(out); n > 0 && strings.HasPrefix(line, " ") {
			out[n-1].Actions += strings.TrimSpace(line) + "\n"
		}
	}
	return out
}
