package main

import (
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// ruleFlags are what the archive asks of an instance that is to be stored.
type ruleFlags struct {
	SOPClasses       []string   `name:"sop-classes" placeholder:"UID" help:"SOP classes that are stored (default: all)."`
	TransferSyntaxes []string   `name:"transfer-syntaxes" placeholder:"UID" help:"Transfer syntaxes that are stored (default: all)."`
	Coerce           []coercion `sep:";" placeholder:"RULE" help:"Changes of attributes before an instance is stored, like 'InstitutionName=St. Mary if Modality=MR' (ATTRIBUTE=VALUE, ATTRIBUTE?=VALUE where it is missing, -ATTRIBUTE)."`
	Validation       string     `default:"off" enum:"off,warn,strict" help:"What is made of attributes that break the standard: off, warn (stored with a warning) or strict (refused) (default ${default})."`
	LenientUIDs      bool       `name:"lenient-uids" help:"Store UIDs whose components have leading zeros, with a warning; else they are refused (PS3.5 9.1)."`
	WholeFiles       bool       `help:"Refuse files whose preamble, prefix, File Meta Information or transfer syntax is missing or wrong; else they are stored, with a warning, where they can be read."`
}

// coercion is a rule of --coerce. It may begin with a hyphen, which no other value may.
type coercion string

// Decode takes the next word of the command line, whatever it looks like.
func (c *coercion) Decode(ctx *kong.DecodeContext) error {
	*c = coercion(fmt.Sprint(ctx.Scan.Pop().Value))
	return nil
}

// storeOptions are those of the store that the flags ask for.
func (c *serveCommand) storeOptions() (store.Options, error) {
	o := store.Options{Rules: store.Rules{WholeFiles: c.Rules.WholeFiles, LenientUIDs: c.Rules.LenientUIDs}}
	if err := c.Retention.set(&o); err != nil {
		return o, err
	}
	o.Limits.Header, o.Memory, o.Trust = int64(c.MaxDataSet), int64(c.Memory/16), c.TrustFiles
	var err error
	if o.Rules.SOPClasses, err = uids("sop-classes", c.Rules.SOPClasses); err != nil {
		return o, err
	}
	if o.Rules.TransferSyntaxes, err = uids("transfer-syntaxes", c.Rules.TransferSyntaxes); err != nil {
		return o, err
	}
	for _, text := range c.Rules.Coerce {
		rule, err := store.ParseCoercion(string(text))
		if err != nil {
			return o, fmt.Errorf("--coerce: %q: %w", text, err)
		}
		o.Rules.Coercions = append(o.Rules.Coercions, rule)
	}
	o.Rules.Validation = map[string]store.Validation{"warn": store.ValidationWarn, "strict": store.ValidationStrict}[c.Rules.Validation]
	return o, nil
}

// uids reads the UIDs of a flag.
func uids(flag string, values []string) ([]dicom.UID, error) {
	var list []dicom.UID
	for _, v := range values {
		if !dicom.UID(v).Valid() {
			return nil, fmt.Errorf("--%s: %q is no UID", flag, v)
		}
		list = append(list, dicom.UID(v))
	}
	return list, nil
}
