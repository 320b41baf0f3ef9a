package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/spf13/cobra"
)

// explanation is what the last attempt to place a server saw.
type explanation struct {
	ServerID string   `json:"server_id"`
	At       string   `json:"at"`
	Outcome  string   `json:"outcome"`
	Host     string   `json:"host"`
	Message  string   `json:"message"`
	Hosts    int      `json:"hosts"`
	Eligible int      `json:"eligible"`
	Reasons  []reason `json:"reasons"`
}

type reason struct {
	Text  string   `json:"text"`
	Hosts int      `json:"hosts"`
	Names []string `json:"names,omitempty"`
}

func (r reason) String() string {
	switch more := r.Hosts - len(r.Names); {
	case len(r.Names) == 0:
		return r.Text
	case more > 0:
		return fmt.Sprintf("%s: %s and %d more", r.Text, strings.Join(r.Names, ", "), more)
	}
	return r.Text + ": " + strings.Join(r.Names, ", ")
}

func serverExplain(o *options) *cobra.Command {
	var all bool
	c := verb(o, "explain SERVER", "Explain where a server was placed, or why it could not be", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		server, err := findServerOf(ctx, c, args[0], all)
		if err != nil {
			return err
		}
		own, err := s.own()
		if err != nil {
			return err
		}
		var out struct{ Placement explanation }
		if err := call(ctx, own, http.MethodGet, "servers/"+server.ID+"/placement", nil, &out); err != nil {
			return err
		}
		if s.format == "json" {
			return s.json(out.Placement)
		}
		return s.explain(server.Name, &out.Placement)
	})
	c.Flags().BoolVar(&all, "all-projects", false, "find the name among the servers of every project (for administrators)")
	return c
}

// explain prints an explanation for people: what came of it, then a line for each reason.
func (s *session) explain(name string, e *explanation) error {
	where := ""
	if e.Host != "" {
		where = " on " + e.Host
	}
	fmt.Fprintf(s.out, "%s was %s%s at %s: %d of %d hosts came into question\n", printable(name), e.Outcome, printable(where), e.At, e.Eligible, e.Hosts)
	for _, r := range e.Reasons {
		fmt.Fprintln(s.out, "  "+printable(r.String()))
	}
	return nil
}

// call asks Aloft's own API; body and into may be nil.
func call(ctx context.Context, c *gophercloud.ServiceClient, method, path string, body, into any) error {
	opts := &gophercloud.RequestOpts{JSONBody: body, JSONResponse: into, OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent}}
	resp, err := c.Request(ctx, method, c.ServiceURL(path), opts)
	if err != nil || into != nil {
		return err // a body that is read is closed
	}
	return resp.Body.Close()
}
