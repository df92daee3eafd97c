package dicomweb

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Media types of a Capabilities Description (PS3.18 8.9.4).
const (
	mediaWADL = "application/vnd.sun.wadl+xml"
	mediaJSON = "application/json"
)

// retrieveCapabilities describes a resource and what lies below it (PS3.18 8.9), or the whole service where template is BasePath.
// A client that asks for no description, like one that only wants to know the methods, gets Allow alone.
func (s *Server) retrieveCapabilities(template, allow string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		// Request.
		w.Header().Set("Allow", allow)
		offers := []offer{{mediaType: mediaWADL}, {mediaType: mediaJSON}}
		accepted := acceptOf(r)
		if accepted.silent {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		chosen, err := accepted.choose(offers...)
		if err != nil {
			return err
		}
		// Behavior.
		description := describeResources(s.baseURL(r), s.routes(), template)
		var body []byte
		if chosen.mediaType == mediaWADL {
			body, err = xml.MarshalIndent(description, "", "  ")
			body = append([]byte(xml.Header), body...)
		} else {
			body, err = json.Marshal(map[string]any{"application": description})
		}
		if err != nil {
			return err
		}
		// Response.
		tag := entityTag(chosen.mediaType, string(body))
		if done, err := answered(w, r, tag, time.Time{}, byAccept); done {
			return err
		}
		return respond(w, r, http.StatusOK, chosen.mediaType, body)
	}
}

// The elements of WADL that a Capabilities Description has (PS3.18 Annex H), and their JSON form (PS3.18 Annex G).
type (
	wadlApplication struct {
		XMLName   xml.Name        `xml:"http://wadl.dev.java.net/2009/02 application" json:"-"`
		Doc       []wadlDoc       `xml:"doc" json:"doc,omitempty"`
		Resources []wadlResources `xml:"resources" json:"resources"`
	}
	wadlResources struct {
		Base      string          `xml:"base,attr" json:"@base"`
		Resources []*wadlResource `xml:"resource" json:"resource"`
	}
	wadlResource struct {
		Path      string          `xml:"path,attr" json:"@path"`
		Params    []wadlParam     `xml:"param" json:"param,omitempty"`
		Methods   []wadlMethod    `xml:"method" json:"method,omitempty"`
		Resources []*wadlResource `xml:"resource" json:"resource,omitempty"`
	}
	wadlMethod struct {
		Name      string         `xml:"name,attr" json:"@name"`
		ID        string         `xml:"id,attr" json:"@id"`
		Doc       []wadlDoc      `xml:"doc" json:"doc,omitempty"`
		Request   wadlRequest    `xml:"request" json:"request"`
		Responses []wadlResponse `xml:"response" json:"response"`
	}
	wadlRequest struct {
		Params          []wadlParam          `xml:"param" json:"param,omitempty"`
		Representations []wadlRepresentation `xml:"representation" json:"representation,omitempty"`
	}
	wadlResponse struct {
		Status          string               `xml:"status,attr" json:"@status"`
		Representations []wadlRepresentation `xml:"representation" json:"representation,omitempty"`
	}
	wadlParam struct {
		Name      string       `xml:"name,attr" json:"@name"`
		Style     string       `xml:"style,attr" json:"@style"`
		Type      string       `xml:"type,attr,omitempty" json:"@type,omitempty"`
		Repeating string       `xml:"repeating,attr,omitempty" json:"@repeating,omitempty"`
		Default   string       `xml:"default,attr,omitempty" json:"@default,omitempty"`
		Options   []wadlOption `xml:"option" json:"option,omitempty"`
	}
	wadlOption struct {
		Value string `xml:"value,attr" json:"@value"`
	}
	wadlRepresentation struct {
		MediaType string `xml:"mediaType,attr" json:"@mediaType"`
	}
	wadlDoc struct {
		Value string `xml:",chardata" json:"value"`
	}
)

// describeResources makes the tree of the resources at and below a template out of the route table.
func describeResources(base string, routes []route, template string) *wadlApplication {
	root := &wadlResource{}
	for _, rt := range routes {
		below, inside := strings.CutPrefix(rt.template, BasePath+"/")
		if !inside || template != BasePath && rt.template != template && !strings.HasPrefix(rt.template, template+"/") {
			continue
		}
		at := root.below(below)
		at.Methods = append(at.Methods, describeMethod(rt))
	}
	return &wadlApplication{
		Doc:       []wadlDoc{{"DICOMweb services of Noctis (PS3.18, edition 2024e)"}},
		Resources: []wadlResources{{Base: base + "/", Resources: root.Resources}},
	}
}

// below returns the resource at a path of templates, and makes those on the way that are missing.
func (r *wadlResource) below(path string) *wadlResource {
	for segment := range strings.SplitSeq(path, "/") {
		name, variable := strings.CutPrefix(segment, "{")
		if variable {
			name, _, _ = strings.Cut(strings.TrimSuffix(name, "}"), ":") // a pattern of the router is no part of the name
			segment = "{" + name + "}"
		}
		i := slices.IndexFunc(r.Resources, func(c *wadlResource) bool { return c.Path == segment })
		if i < 0 {
			child := &wadlResource{Path: segment}
			if variable {
				child.Params = []wadlParam{{Name: name, Style: "template", Type: "xs:string"}}
			}
			r.Resources = append(r.Resources, child)
			i = len(r.Resources) - 1
		}
		r = r.Resources[i]
	}
	return r
}

func describeMethod(rt route) wadlMethod {
	c := capabilityOf(rt)
	m := wadlMethod{Name: rt.method, ID: rt.name, Doc: []wadlDoc{{rt.clause}}}
	if len(c.accept) > 0 {
		accept := wadlParam{Name: "Accept", Style: "header", Default: c.accept[0]}
		for _, a := range c.accept {
			accept.Options = append(accept.Options, wadlOption{a})
		}
		m.Request.Params = append(m.Request.Params, accept)
	}
	m.Request.Params = append(m.Request.Params, c.query...)
	for _, t := range c.content {
		m.Request.Representations = append(m.Request.Representations, wadlRepresentation{t})
	}
	success := wadlResponse{Status: c.success}
	for _, a := range c.accept {
		success.Representations = append(success.Representations, wadlRepresentation{a})
	}
	m.Responses = []wadlResponse{success, {Status: c.failure}}
	return m
}
