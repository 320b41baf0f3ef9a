package audit

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// maxPage is the length of a page that names no limit, and the most that one may name.
const maxPage = 1000

// Routes are the audit's part of Aloft's own API.
func (l *Log) Routes() []rest.Route {
	return []rest.Route{{
		Method: http.MethodGet, Path: "/audit", Policy: auth.P("aloft:audit:list", auth.AdminOnly),
		Doc: "Lists the calls that changed something or tried to, the newest first.", Do: rest.Do(l.listRecords),
	}}
}

type listIn struct {
	rest.List
	User    string `query:"user_id"`
	Project string `query:"project_id"`
	Action  string `query:"action"` // "compute.server.create", or "compute.server.*"
	Outcome string `query:"outcome" check:"enum=success|refused|failure|abandoned"`
	Request string `query:"request_id"`
	Since   string `query:"since"`
	Until   string `query:"until"`
}

type listOut struct {
	Records []record `json:"audit"`
	Links   []link   `json:"audit_links,omitempty"`
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

type record struct {
	ID              string `json:"id"`
	At              string `json:"at"`
	Action          string `json:"action"`
	Outcome         string `json:"outcome"`
	Status          int    `json:"status"`
	Reason          string `json:"reason,omitempty"`
	Method          string `json:"method"`
	Path            string `json:"path"`
	Address         string `json:"address"`
	Agent           string `json:"agent"`
	UserID          string `json:"user_id"`
	UserName        string `json:"user_name"`
	UserDomainID    string `json:"user_domain_id"`
	ProjectID       string `json:"project_id"`
	DomainID        string `json:"domain_id"`
	TokenID         string `json:"token_audit_id"`
	RequestID       string `json:"request_id"`
	GlobalRequestID string `json:"global_request_id,omitempty"`
}

func (l *Log) listRecords(ctx context.Context, in listIn) (listOut, error) {
	page, err := in.Page("at:desc", maxPage)
	if err != nil {
		return listOut{}, err
	}
	f := filter{user: in.User, project: in.Project, action: in.Action, outcome: in.Outcome, request: in.Request}
	for name, limit := range map[string]struct{ text, op string }{"since": {in.Since, "gte"}, "until": {in.Until, "lt"}} {
		if limit.text == "" {
			continue
		}
		at, err := rest.Time(name, limit.text)
		if err != nil {
			return listOut{}, err
		}
		f.times = append(f.times, query.Bound{Op: query.Operators[limit.op], At: at})
	}
	rows, err := l.list(ctx, f, page)
	if err != nil {
		return listOut{}, err
	}
	out := listOut{Records: make([]record, len(rows))}
	for i, r := range rows {
		out.Records[i] = record{
			ID: r.ID, At: r.At.UTC().Format("2006-01-02T15:04:05.000000Z"), Action: r.Action, Outcome: r.Outcome, Status: r.Status,
			Reason: r.Reason, Method: r.Method, Path: r.Path, Address: r.Address, Agent: r.Agent, UserID: r.UserID,
			UserName: r.UserName, UserDomainID: r.UserDomainID, ProjectID: r.ProjectID, DomainID: r.DomainID, TokenID: r.TokenID,
			RequestID: r.RequestID, GlobalRequestID: r.GlobalRequestID,
		}
	}
	if n := len(rows); n > 0 && n == page.Limit {
		out.Links = []link{{"next", rest.NextURL(ctx, rows[n-1].ID)}}
	}
	return out, nil
}
