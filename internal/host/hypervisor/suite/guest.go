package suite

import "bytes"

// GuestGreeting is what Guest writes to its serial console when it is up.
const GuestGreeting = "test guest is up"

// GuestDisk returns the content of a raw disk, 1 MiB, with the smallest guest that is of use for tests: a boot sector that
// greets on the first serial port, then sleeps until the ACPI power button is pressed, and powers the machine off. It
// expects a PC whose firmware puts ACPI's registers at port 0x600, as SeaBIOS does on q35.
func GuestDisk() []byte {
	code := []byte{
		0x31, 0xc0, // xor ax, ax
		0x8e, 0xd8, // mov ds, ax
		0xbe, 0x00, 0x00, // mov si, greeting (filled in below)
		0xba, 0xf8, 0x03, // mov dx, 0x3f8
		0xac,       // print: lodsb
		0x84, 0xc0, // test al, al
		0x74, 0x03, // jz up
		0xee,       // out dx, al
		0xeb, 0xf8, // jmp print
		0xba, 0x02, 0x06, // up: mov dx, 0x602 (PM1 enable)
		0xb8, 0x00, 0x01, // mov ax, 0x100 (power button)
		0xef,             // out dx, ax
		0xfb,             // sti
		0xf4,             // sleep: hlt, until the timer's next interrupt
		0xba, 0x00, 0x06, // mov dx, 0x600 (PM1 status)
		0xed,             // in ax, dx
		0xf6, 0xc4, 0x01, // test ah, 1 (power button)
		0x74, 0xf6, // jz sleep
		0xba, 0x04, 0x06, // mov dx, 0x604 (PM1 control)
		0xb8, 0x00, 0x20, // mov ax, 0x2000 (power off)
		0xef,       // out dx, ax
		0xf4,       // hlt
		0xeb, 0xfd, // jmp back
	}
	greeting := 0x7c00 + len(code) // where the firmware loads the sector
	code[5], code[6] = byte(greeting), byte(greeting>>8)
	code = append(code, GuestGreeting+"\r\n\x00"...)
	sector := append(code, bytes.Repeat([]byte{0}, 510-len(code))...)
	sector = append(sector, 0x55, 0xaa)
	return append(sector, make([]byte, 1<<20-len(sector))...)
}
