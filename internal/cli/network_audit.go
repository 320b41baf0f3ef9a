package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/spf13/cobra"
)

// networkFindings is what an audit of the network found.
type networkFindings struct {
	Deviations []struct {
		Kind string `json:"kind"`
		Text string `json:"text"`
	} `json:"deviations"`
	Repair bool `json:"repair"`
}

// errDrift makes the command fail when the network is not as it should be.
func errDrift() error {
	return errors.New("the network engine does not hold what it should: run it with --repair, or wait for the next periodic repair")
}

func networkAudit(o *options) *cobra.Command {
	var repair bool
	c := verb(o, "audit", "Compare what the network engine holds with what it should hold (administrators only)", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		own, err := s.own()
		if err != nil {
			return err
		}
		found, err := auditNetwork(ctx, own, repair)
		if err != nil {
			return err
		}
		if s.format == "json" {
			if err := s.json(found); err != nil {
				return err
			}
		} else {
			for _, d := range found.Deviations {
				fmt.Fprintln(s.out, printable(d.Text))
			}
		}
		switch {
		case len(found.Deviations) == 0:
			s.say("the network engine holds what it should")
			return nil
		case !repair:
			return errDrift()
		}
		return s.awaitRepair(ctx, own)
	})
	c.Flags().BoolVar(&repair, "repair", false, "mend what differs, and wait until it is so")
	return c
}

// auditNetwork asks for an audit.
func auditNetwork(ctx context.Context, own *gophercloud.ServiceClient, repair bool) (networkFindings, error) {
	var out struct{ Audit networkFindings }
	method := http.MethodGet
	if repair {
		method = http.MethodPost
	}
	err := call(ctx, own, method, "network/audit", nil, &out)
	return out.Audit, err
}

// awaitRepair waits until nothing differs.
func (s *session) awaitRepair(ctx context.Context, own *gophercloud.ServiceClient) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		found, err := auditNetwork(ctx, own, false)
		if err != nil {
			return err
		}
		if len(found.Deviations) == 0 {
			s.say("mended")
			return nil
		}
		select {
		case <-ctx.Done():
			return errDrift()
		case <-time.After(time.Second):
		}
	}
}

// packetTrace is what becomes of a packet.
type packetTrace struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Delivered bool     `json:"delivered"`
	Steps     []string `json:"steps"`
	Verdict   string   `json:"verdict"`
	Missing   any      `json:"missing"`
}

func networkTrace(o *options) *cobra.Command {
	var from, to string
	c := verb(o, "trace --from SERVER --to ADDRESS[:PORT[/udp]]", "Tell what becomes of a packet that a server sends", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		portID, err := s.firstPort(ctx, from)
		if err != nil {
			return err
		}
		own, err := s.own()
		if err != nil {
			return err
		}
		var out struct{ Trace packetTrace }
		if err := call(ctx, own, http.MethodGet, "ports/"+portID+"/trace?to="+url.QueryEscape(to), nil, &out); err != nil {
			return err
		}
		if s.format == "json" {
			return s.json(out.Trace)
		}
		for i, step := range out.Trace.Steps {
			fmt.Fprintf(s.out, "%2d. %s\n", i+1, printable(step))
		}
		if !out.Trace.Delivered {
			return fmt.Errorf("the packet to %s does not arrive", to)
		}
		return nil
	})
	c.Flags().StringVar(&from, "from", "", "the server that sends, or a port of it by id")
	c.Flags().StringVar(&to, "to", "", "where to: an address, which is pinged, ADDRESS:PORT or ADDRESS:PORT/udp")
	return required(c, "from", "to")
}

// firstPort is the first port of a server, or the port that is meant itself.
func (s *session) firstPort(ctx context.Context, ref string) (string, error) {
	net, err := s.network()
	if err != nil {
		return "", err
	}
	if p, err := ports.Get(ctx, net, ref).Extract(); err == nil {
		return p.ID, nil
	}
	c, err := s.compute()
	if err != nil {
		return "", err
	}
	server, err := findServer(ctx, c, ref)
	if err != nil {
		return "", err
	}
	list, err := pages(ctx, ports.List(net, ports.ListOpts{DeviceID: server.ID}), ports.ExtractPorts)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "", fmt.Errorf("server %s has no port", server.Name)
	}
	return list[0].ID, nil
}
