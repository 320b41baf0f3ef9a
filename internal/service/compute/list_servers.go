package compute

import (
	"context"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// View is a server with its ports.
type View struct {
	Server
	Ports []Port
}

// Search is which servers a user wants to see.
type Search struct {
	ServerFilter
	NamePattern string // regular expression, as Nova's
	IP, IP6     string // regular expressions on addresses
	AllProjects bool   // for admins
	Ports       bool   // read them too
}

// ShowServer returns a server and its ports.
func (s *Service) ShowServer(ctx context.Context, caller *auth.Caller, id string) (View, error) {
	sv, err := s.store.FindServer(ctx, caller.Scope(), id)
	if err != nil {
		return View{}, err
	}
	return s.View(ctx, sv)
}

// Server returns a server without its ports.
func (s *Service) Server(ctx context.Context, caller *auth.Caller, id string) (Server, error) {
	return s.store.FindServer(ctx, caller.Scope(), id)
}

// ServersByHost returns all servers of a scope by the id of their host.
func (s *Service) ServersByHost(ctx context.Context, scope db.Scope) (map[string][]Server, error) {
	servers, err := s.store.ListServers(ctx, scope, ServerFilter{}, query.Page{})
	if err != nil {
		return nil, err
	}
	out := map[string][]Server{}
	for i := range servers {
		out[servers[i].HostID] = append(out[servers[i].HostID], servers[i])
	}
	return out, nil
}

// View adds a server's ports.
func (s *Service) View(ctx context.Context, sv Server) (View, error) {
	views, err := s.withPorts(ctx, []Server{sv})
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

func (s *Service) withPorts(ctx context.Context, servers []Server) ([]View, error) {
	ids := make([]string, len(servers))
	for i := range servers {
		ids[i] = servers[i].ID
	}
	ports, err := s.networks.PlugsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(servers))
	for i := range servers {
		views[i] = View{Server: servers[i], Ports: ports[servers[i].ID]}
	}
	return views, nil
}

// ListServers returns a page of servers, in a number of queries that does not depend on its length. Patterns that the
// database can't answer are matched here, over as many rows as it takes to fill the page.
func (s *Service) ListServers(ctx context.Context, caller *auth.Caller, f Search, page query.Page) ([]View, error) {
	scope := caller.Own()
	if caller.Admin() && f.AllProjects {
		scope = db.Everywhere()
	}
	match, err := f.matcher()
	if err != nil {
		return nil, err
	}
	if match == nil {
		servers, err := s.store.ListServers(ctx, scope, f.ServerFilter, page)
		if err != nil {
			return nil, err
		}
		if !f.Ports {
			return plain(servers), nil
		}
		return s.withPorts(ctx, servers)
	}
	return s.scan(ctx, scope, f, page, match)
}

func plain(servers []Server) []View {
	views := make([]View, len(servers))
	for i := range servers {
		views[i].Server = servers[i]
	}
	return views
}

// scanPage is how many rows are matched at a time.
const scanPage = 1000

// scan fills a page with what matches.
func (s *Service) scan(ctx context.Context, scope db.Scope, f Search, page query.Page, match func(*View) bool) ([]View, error) {
	var found []View
	step := page
	step.Limit = scanPage
	for {
		servers, err := s.store.ListServers(ctx, scope, f.ServerFilter, step)
		if err != nil {
			return nil, err
		}
		views := plain(servers)
		if f.Ports || f.IP != "" || f.IP6 != "" {
			if views, err = s.withPorts(ctx, servers); err != nil {
				return nil, err
			}
		}
		for i := range views {
			if match(&views[i]) {
				if found = append(found, views[i]); len(found) == page.Limit {
					return found, nil
				}
			}
		}
		if len(servers) < scanPage {
			return found, nil
		}
		step.Marker = servers[len(servers)-1].ID
	}
}

// matcher compiles what the database can't answer; nil if there is nothing. Names without special characters, alone or
// between ^ and $, are left to the database.
func (f *Search) matcher() (func(*View) bool, error) {
	if name := f.NamePattern; name != "" {
		switch inner := strings.TrimSuffix(strings.TrimPrefix(name, "^"), "$"); {
		case regexp.QuoteMeta(name) == name:
			f.Name, f.NamePattern = name, ""
		case name == "^"+inner+"$" && literal(inner):
			f.ExactName, f.NamePattern = unescape(inner), ""
		}
	}
	if f.NamePattern == "" && f.IP == "" && f.IP6 == "" {
		return nil, nil
	}
	name, err := compile("name", f.NamePattern)
	if err != nil {
		return nil, err
	}
	ip, err := compile("ip", f.IP)
	if err != nil {
		return nil, err
	}
	ip6, err := compile("ip6", f.IP6)
	if err != nil {
		return nil, err
	}
	return func(v *View) bool {
		return name.MatchString(v.Name) && (f.IP == "" || v.hasAddress(ip)) && (f.IP6 == "" || v.hasAddress(ip6))
	}, nil
}

func compile(field, pattern string) (*regexp.Regexp, error) {
	re, err := regexp.Compile("(?i)" + pattern)
	if err != nil {
		return nil, fault.Invalidf(field, "the filter %s is not a regular expression: %s", field, err)
	}
	return re, nil
}

// escaped finds characters that a backslash makes ordinary, as clients write them.
var escaped = regexp.MustCompile(`\\([^A-Za-z0-9])`)

func unescape(s string) string { return escaped.ReplaceAllString(s, "$1") }

// literal tells whether an expression means nothing but its own characters.
func literal(s string) bool {
	rest := escaped.ReplaceAllString(s, "")
	return regexp.QuoteMeta(rest) == rest
}

func (v *View) hasAddress(re *regexp.Regexp) bool {
	for _, p := range v.Ports {
		for _, ip := range p.FixedIPs {
			if re.MatchString(ip.Address) {
				return true
			}
			if floating := p.FloatingIPs[ip.Address]; floating != "" && re.MatchString(floating) {
				return true
			}
		}
	}
	return false
}
