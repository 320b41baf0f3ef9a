package rest

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	s := testService()
	raw, err := OpenAPI("test", "1", s)
	require.NoError(t, err)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Description string
			Parameters  []struct{ Name, In string }
			RequestBody struct {
				Content map[string]struct{ Schema json.RawMessage }
			}
			Security []map[string][]string
		}
	}
	require.NoError(t, json.Unmarshal(raw, &doc))
	require.Equal(t, "3.1.0", doc.OpenAPI)
	for _, r := range s.Routes {
		require.Contains(t, doc.Paths["/compute"+r.Path], map[string]string{"GET": "get", "POST": "post"}[r.Method], r.Path)
	}
	create := doc.Paths["/compute/v1/{parent}/things"]["post"]
	require.Equal(t, "path", create.Parameters[0].In)
	require.NotEmpty(t, create.Security)
	require.Contains(t, string(create.RequestBody.Content["application/json"].Schema), `"maxLength":10`)
	action := doc.Paths["/compute/v1/{parent}/things/{id}/action"]["post"]
	require.Contains(t, action.Description, "`start`")
	require.Contains(t, action.Description, "`stop`")
	require.Empty(t, doc.Paths["/compute"]["get"].Security)
}

type richIn struct {
	List
	ID      string     `path:"id" check:"uuid"`
	State   *string    `query:"state" check:"enum=up|down"`
	Filters url.Values `query:"*" doc:"Any attribute."`
	Match   string     `header:"If-Match"`
	Rich    struct {
		Kind  *string        `json:"kind" check:"enum=a|b"`
		Note  Opt[string]    `json:"note" check:"max=5"`
		Words []string       `json:"words" check:"min=1,max=3,enum=x|y"`
		Size  *int           `json:"size" check:"min=1" since:"2.5" until:"2.9"`
		Owner Opt[string]    `json:"owner" check:"uuid"`
		Net   string         `json:"net" check:"cidr"`
		More  map[string]any `json:"*"`
	} `body:"rich"`
	Extra Opt[string] `body:"extra"`
}

// Whatever a route takes is in the document, with what is asked of it.
func TestOpenAPITellsWhatIsAsked(t *testing.T) {
	open := auth.NoToken("test:rich")
	put := Route{Method: "PUT", Path: "/{id}", Policy: open, Audit: "a", Doc: "One.", Until: "2.4", Do: Do(func(context.Context, richIn) (None, error) { return None{}, nil })}
	other := put
	other.Until, other.Since, other.Status = "", "2.5", 202
	other.Do = Do(func(context.Context, struct {
		Dry bool `query:"dry"`
	},
	) (thing, error) {
		return thing{}, nil
	})
	raw, err := OpenAPI("test", "1", Service{Type: "x", Prefix: "/x", Micro: &Micro{Service: "x", Min: "2.1", Max: "2.9"}, Routes: []Route{put, other}})
	require.NoError(t, err)
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(raw, &doc))
	var op struct {
		Description string
		Parameters  []struct {
			Name, In, Description string
			Schema                json.RawMessage
		}
		Responses   map[string]json.RawMessage
		RequestBody struct {
			Content map[string]struct {
				Schema struct{ AnyOf []struct{ Required []string } }
			}
		}
		Since string `json:"x-since"`
	}
	require.NoError(t, json.Unmarshal(doc.Paths["/x/{id}"]["put"], &op))
	told := map[string]string{}
	for _, p := range op.Parameters {
		require.NotContains(t, told, p.In+" "+p.Name)
		told[p.In+" "+p.Name] = string(p.Schema) + p.Description
	}
	for name, want := range map[string]string{
		"path id": uuidPattern.String(), "query state": `"enum":["up","down"]`, "query limit": `"minimum":0`, "query sort_key": "array",
		"query filters": "Any attribute.", "header If-Match": "string", "header OpenStack-API-Version": "from 2.1 to 2.9", "query dry": "boolean",
	} {
		require.Contains(t, strings.ReplaceAll(told[name], `\\`, `\`), want, name)
	}
	require.Empty(t, op.Since, "it is there before, too")
	require.Contains(t, op.Description, "Until 2.4.")
	require.Contains(t, op.Description, "Since 2.5.")
	require.Contains(t, op.Responses, "200")
	require.Contains(t, op.Responses, "202")
	require.Equal(t, []string{"rich"}, op.RequestBody.Content["application/json"].Schema.AnyOf[0].Required)
	body := string(doc.Paths["/x/{id}"]["put"])
	for _, want := range []string{
		`"kind":{"enum":["a","b"],"type":"string"}`, `"maxLength":5`, `"items":{"enum":["x","y"],"type":"string"},"maxItems":3,"minItems":1`,
		`"size":{"minimum":1,"type":"integer","x-since":"2.5","x-until":"2.9"}`, `"format":"cidr"`, `"additionalProperties":true`,
	} {
		require.Contains(t, body, want)
	}
}

func TestDocument(t *testing.T) {
	body := []byte(`{"a":"` + strings.Repeat("x", 5000) + `"}`)
	h := Document("application/json", body)
	plain := call(t, h, "GET", "/", "")
	require.Equal(t, body, plain.Body.Bytes())
	tag := plain.Header().Get("ETag")
	require.NotEmpty(t, tag)
	packed := call(t, h, "GET", "/", "", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", packed.Header().Get("Content-Encoding"))
	require.Equal(t, "W/"+tag, packed.Header().Get("ETag"))
	require.Less(t, packed.Body.Len(), 200)
	for _, known := range []string{tag, "W/" + tag, `"x", ` + tag} {
		again := call(t, h, "GET", "/", "", "If-None-Match", known)
		require.Equal(t, 304, again.Code)
		require.Zero(t, again.Body.Len())
	}
	require.Equal(t, 200, call(t, h, "GET", "/", "", "If-None-Match", `"other"`).Code)
	head := call(t, h, "HEAD", "/", "")
	require.Zero(t, head.Body.Len())
	require.Equal(t, plain.Header().Get("Content-Length"), head.Header().Get("Content-Length"))
}
