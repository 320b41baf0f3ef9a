package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	metadataURL = "http://169.254.169.254"
	// answerTime is the patience with one request: a metadata service that is there answers in milliseconds, and one
	// that lost the request (the network was still being plugged) never does.
	answerTime = 2 * time.Second
	// searchTime is how long the metadata service is looked for after the boot.
	searchTime  = 10 * time.Minute
	maxUserData = 1 << 20
)

// instance is what the metadata service says about this machine.
type instance struct {
	ID       string
	Hostname string
	Keys     []string
	UserData []byte
}

// shortName is the host name without its domain.
func (i instance) shortName() string {
	name, _, _ := strings.Cut(strings.TrimSpace(i.Hostname), ".")
	return name
}

var errAbsent = errors.New("not there (404)")

// metadataClient asks one metadata service.
type metadataClient struct {
	url  string
	http *http.Client
}

func newMetadataClient(url string) metadataClient {
	// No proxy: the address is link-local. No kept connections: the service is asked a handful of things, once.
	return metadataClient{url: url, http: &http.Client{Timeout: answerTime, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}}
}

// awaitMetadata asks until there is an answer: at once when an interface gets an address, else at growing intervals.
func awaitMetadata(ctx context.Context, log *console, c metadataClient, addresses <-chan string) (instance, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	pause := 100 * time.Millisecond
	select { // no question can be answered before there is an address
	case address := <-addresses:
		log.say("network", "address %s", address)
	case <-ctx.Done():
		return instance{}, errors.New("no interface got an address")
	}
	for {
		inst, err := c.ask(ctx)
		if err == nil {
			return inst, nil
		}
		select {
		case <-ctx.Done():
			return instance{}, err
		case address, ok := <-addresses:
			if !ok {
				addresses = nil
				continue
			}
			log.say("network", "address %s", address)
			pause = 100 * time.Millisecond
		case <-time.After(pause):
			pause = min(2*pause, 5*time.Second)
		}
	}
}

// ask asks in OpenStack's way, and in EC2's when the service does not know OpenStack's.
func (c metadataClient) ask(ctx context.Context) (instance, error) {
	inst, err := c.askOpenStack(ctx)
	if errors.Is(err, errAbsent) {
		return c.askEC2(ctx)
	}
	return inst, err
}

func (c metadataClient) askOpenStack(ctx context.Context) (instance, error) {
	text, err := c.get(ctx, "/openstack/latest/meta_data.json")
	if err != nil {
		return instance{}, err
	}
	inst, err := parseOpenStack(text)
	if err != nil {
		return instance{}, err
	}
	inst.UserData, err = c.get(ctx, "/openstack/latest/user_data")
	if err != nil && !errors.Is(err, errAbsent) {
		return instance{}, err
	}
	return inst, nil
}

// parseOpenStack reads meta_data.json. Keys are in "public_keys" (name to key) and, newer, in "keys" (a list with types).
func parseOpenStack(text []byte) (instance, error) {
	var data struct {
		UUID       string            `json:"uuid"`
		Hostname   string            `json:"hostname"`
		Name       string            `json:"name"`
		PublicKeys map[string]string `json:"public_keys"`
		Keys       []struct {
			Type string `json:"type"`
			Data string `json:"data"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(text, &data); err != nil {
		return instance{}, fmt.Errorf("meta_data.json: %w", err)
	}
	if data.UUID == "" {
		return instance{}, errors.New(`meta_data.json has no "uuid"`)
	}
	inst := instance{ID: data.UUID, Hostname: data.Hostname}
	if inst.Hostname == "" {
		inst.Hostname = data.Name
	}
	for _, key := range data.PublicKeys {
		inst.Keys = append(inst.Keys, key)
	}
	for _, key := range data.Keys {
		if key.Type == "ssh" {
			inst.Keys = append(inst.Keys, key.Data)
		}
	}
	inst.Keys = cleanKeys(inst.Keys)
	return inst, nil
}

func (c metadataClient) askEC2(ctx context.Context) (instance, error) {
	id, err := c.get(ctx, "/latest/meta-data/instance-id")
	if err != nil {
		return instance{}, err
	}
	inst := instance{ID: strings.TrimSpace(string(id))}
	if inst.ID == "" {
		return instance{}, errors.New("the metadata service has an empty instance-id")
	}
	name, err := c.optional(ctx, "/latest/meta-data/hostname")
	if err != nil {
		return instance{}, err
	}
	inst.Hostname = string(name)
	list, err := c.optional(ctx, "/latest/meta-data/public-keys/")
	if err != nil {
		return instance{}, err
	}
	for line := range strings.Lines(string(list)) { // "0=name"
		number, _, _ := strings.Cut(strings.TrimSpace(line), "=")
		if number == "" {
			continue
		}
		key, err := c.optional(ctx, "/latest/meta-data/public-keys/"+number+"/openssh-key")
		if err != nil {
			return instance{}, err
		}
		inst.Keys = append(inst.Keys, string(key))
	}
	inst.Keys = cleanKeys(inst.Keys)
	inst.UserData, err = c.optional(ctx, "/latest/user-data")
	return inst, err
}

// cleanKeys returns the keys sorted, one a line, without blanks and repetitions.
func cleanKeys(keys []string) []string {
	var clean []string
	for _, key := range keys {
		for line := range strings.Lines(key) {
			if line = strings.TrimSpace(line); line != "" {
				clean = append(clean, line)
			}
		}
	}
	slices.Sort(clean)
	return slices.Compact(clean)
}

// optional is get for what a service may leave out.
func (c metadataClient) optional(ctx context.Context, path string) ([]byte, error) {
	body, err := c.get(ctx, path)
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	return body, err
}

func (c metadataClient) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", path, errAbsent)
	default:
		return nil, fmt.Errorf("%s: the metadata service answered %s", path, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxUserData+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(body) > maxUserData {
		return nil, fmt.Errorf("%s: longer than %d bytes", path, maxUserData)
	}
	return body, nil
}
