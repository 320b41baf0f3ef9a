// Package rest is the OpenStack dialect, once for all services.
//
// A service is a table of routes. A route names its method, path, policy, audit name and one sentence of
// documentation, and holds a typed function made by [Do]. Everything else happens here: decoding of path, query,
// headers and body into tagged structs, refusal of unknown and wrong-typed fields by name, microversions declared on
// fields and routes, paging, the error envelope of the service, request ids, limits, metrics and audit.
//
// # The input struct
//
//	path:"server_id"          a segment of the path
//	query:"name"              a query parameter: string, int, int64, bool, []string, or a pointer to one; "*" on a url.Values takes all,
//	                          and its doc tag says which they may be
//	header:"X-Subject-Token"  a request header
//	body:"server"             the value under that key of the JSON body; a pointer may be missing; other keys are refused
//	body:"."                  the whole JSON body
//	raw:"body"                the body as an io.Reader, neither limited nor decoded
//
// A field of a body is named by its json tag. check:"required,min=1,max=255,enum=a|b,uuid,ip,cidr,mac" constrains it;
// since:"2.47" and until:"2.46" bind it to microversions; a map[string]any tagged json:"*" takes the fields that no
// other takes, in place of refusing them. A type with a method Validate() error has the last word.
//
// # The output struct
//
// Fields are written by their json tags, with omitempty, since and until honoured, nil slices as [] and nil maps as
// {}; header:"Location" sets a response header; a map tagged json:"*" is written in line. [None] writes no body,
// [Stream] writes bytes, and a method HTTPStatus() int overrides the route's status.
//
// Sources: the OpenStack API guidelines on microversions, discovery, errors and pagination; RFC 9110.
package rest
