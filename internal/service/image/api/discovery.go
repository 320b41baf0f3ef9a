package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

func discovery() []rest.Route {
	open, token := auth.NoToken("versions"), auth.P("discovery", auth.Anyone)
	versions := rest.Do(listVersions)
	return []rest.Route{
		{Method: "GET", Path: "", Policy: open, Status: http.StatusMultipleChoices, Doc: "Tells the versions of this API.", Do: versions},
		{Method: "GET", Path: "/versions", Policy: open, Doc: "Tells the versions of this API.", Do: versions},
		{Method: "GET", Path: "/v2", Policy: open, Doc: "Tells the versions of this API.", Do: versions},
		{Method: "GET", Path: "/v2/schemas/{name}", Policy: token, Doc: "Shows the JSON schema of what this API answers.", Do: rest.Do(showSchema)},
		{Method: "GET", Path: "/v2/info/import", Policy: token, Doc: "Tells the ways of importing images.", Do: rest.Do(importInfo)},
		{Method: "GET", Path: "/v2/info/stores", Policy: token, Doc: "Tells where images are stored.", Do: rest.Do(storesInfo)},
	}
}

type versionWire struct {
	ID     string     `json:"id"`
	Status string     `json:"status"`
	Links  []linkWire `json:"links"`
}

type linkWire struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

type versionsWire struct {
	Versions []versionWire `json:"versions"`
}

func listVersions(ctx context.Context, _ struct{}) (versionsWire, error) {
	link := []linkWire{{"self", rest.BaseURL(ctx) + "/v2/"}}
	out := versionsWire{[]versionWire{{"v2.7", "CURRENT", link}}}
	for _, id := range []string{"v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0"} {
		out.Versions = append(out.Versions, versionWire{id, "SUPPORTED", link})
	}
	return out, nil
}

type importWire struct {
	Methods struct {
		Description string   `json:"description"`
		Type        string   `json:"type"`
		Value       []string `json:"value"`
	} `json:"import-methods"`
}

// importInfo names no method: data comes by upload only.
func importInfo(context.Context, struct{}) (importWire, error) {
	var out importWire
	out.Methods.Description, out.Methods.Type = "Import methods available.", "array"
	return out, nil
}

type storesWire struct {
	Stores []storeWire `json:"stores"`
}

type storeWire struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Default     string `json:"default"`
}

func storesInfo(context.Context, struct{}) (storesWire, error) {
	return storesWire{[]storeWire{{"file", "Files on the control node", "true"}}}, nil
}
