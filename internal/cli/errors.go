package cli

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"

	"github.com/gophercloud/gophercloud/v2"
)

// sentence is an error in one line: what the cloud said, without its envelope.
func sentence(err error) string {
	var answer gophercloud.ErrUnexpectedResponseCode
	var unknown x509.UnknownAuthorityError
	var request *url.Error
	text := err.Error()
	switch {
	case errors.As(err, &unknown):
		text = "the cloud's certificate is signed by an authority that is not trusted here; name its certificate as cacert in clouds.yaml or in OS_CACERT"
	case errors.As(err, &answer):
		said := message(answer.Body)
		if said == "" {
			said = fmt.Sprintf("%s %s was answered with status %d", answer.Method, answer.URL, answer.Actual)
		}
		text = strings.Replace(text, answer.Error(), said, 1)
	case errors.As(err, &request) && errors.Is(err, syscall.ECONNREFUSED):
		text = strings.Replace(text, request.Error(), "nothing answers there; is the cloud running? (aloft status)", 1)
	}
	return printable(strings.Join(strings.Fields(text), " "))
}

// message finds the message in an error's body, however the service wraps it.
func message(body []byte) string {
	var tree any
	if err := json.Unmarshal(body, &tree); err != nil {
		return ""
	}
	return find(tree)
}

func find(tree any) string {
	object, ok := tree.(map[string]any)
	if !ok {
		return ""
	}
	for _, key := range []string{"message", "detail"} {
		if s, ok := object[key].(string); ok && s != "" {
			return s
		}
	}
	for _, inner := range object {
		if s := find(inner); s != "" {
			return s
		}
	}
	return ""
}

func notFound(err error) bool { return gophercloud.ResponseCodeIs(err, 404) }
