package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/store"
)

// Message is what is sent: once, or again until it has been taken.
type Message struct {
	// ID is the same each time, so that a receiver can tell what it has had.
	ID   string
	Type string
	// Time is when what it tells of happened.
	Time time.Time
	Body []byte
}

// Types of messages that are no changes.
const (
	typeGap  = "gap"  // changes were lost: look yourself
	typeTest = "test" // somebody wants to know whether it arrives
)

func newMessage(id, typ string, at time.Time, data any) (Message, error) {
	body, err := json.Marshal(struct {
		Type string `json:"type"`
		Time string `json:"timestamp"`
		Data any    `json:"data"`
	}{typ, at.UTC().Format("2006-01-02T15:04:05.000Z07:00"), data})
	return Message{ID: id, Type: typ, Time: at, Body: body}, err
}

// changed tells of a change, with what the feed says of it: UIDs, and no attribute of a patient.
func changed(c store.Change) (Message, error) {
	return newMessage(c.Cursor.String(), c.Kind.String(), c.Time, c)
}

// gap tells that the feed could not go on from where the receiver was.
func gap(from store.Cursor, now time.Time) (Message, error) {
	return newMessage(typeGap+"-"+from.String(), typeGap, now, map[string]string{"after": from.String()})
}

func test(name string, now time.Time) (Message, error) {
	return newMessage(typeTest+"-"+rand.Text(), typeTest, now, map[string]string{"webhook": name})
}

// sign returns the signatures of a message by Standard Webhooks 1.0: one for each secret, over id, time of sending and body.
func sign(secrets [][]byte, m Message, sent time.Time) string {
	var all []string
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(m.ID + "." + strconv.FormatInt(sent.Unix(), 10) + "."))
		mac.Write(m.Body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}
