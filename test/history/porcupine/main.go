// Reads operations, one a line (address kind container holder call return), and prints each address with "legal" or
// "illegal", as Porcupine judges it: a second opinion on test/history/linearizable.ts.
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"

	"github.com/anishathalye/porcupine"
)

type operation struct {
	kind, container, holder string
}

type register struct {
	container, holder string
}

var model = porcupine.Model{
	Init: func() interface{} { return register{} },
	Step: func(state, input, _ interface{}) (bool, interface{}) {
		now, next := state.(register), input.(operation)
		if next.kind == "take" {
			if now.holder != "" && now.holder != next.holder {
				return false, now
			}
			return true, register{next.container, next.holder}
		}
		if now.container == next.container {
			return true, register{}
		}
		return true, now
	},
}

func main() {
	histories := map[string][]porcupine.Operation{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var address string
		var one operation
		var call, ret int64
		if _, err := fmt.Sscan(lines.Text(), &address, &one.kind, &one.container, &one.holder, &call, &ret); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if ret < 0 {
			ret = math.MaxInt64
		}
		client := len(histories[address])
		histories[address] = append(histories[address], porcupine.Operation{ClientId: client, Input: one, Call: call, Return: ret})
	}
	addresses := []string{}
	for address := range histories {
		addresses = append(addresses, address)
	}
	sort.Strings(addresses)
	for _, address := range addresses {
		verdict := "illegal"
		if porcupine.CheckOperations(model, histories[address]) {
			verdict = "legal"
		}
		fmt.Println(address, verdict)
	}
}
