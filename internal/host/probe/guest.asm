# The guest that finds out whether virtualisation really works: the firmware of a machine, so that nothing else need
# start before it. guest.go puts it at the beginning of a ROM of 64 KiB whose last 16 bytes, where a processor starts,
# jump to it. It does what an operating system does and a node in /dev says nothing about: real mode, protected mode,
# long mode with paging, a page fault that is mended, a trip to ring 3 and back by a system call, a local APIC timer that
# wakes it from HLT, and as many instructions as show whether they are run or emulated. It tells QEMU's isa-debug-exit
# 0x2a at the end, or the number of the step that failed.
#
#   as --64 -o guest.o guest.asm
#   ld -m elf_x86_64 -e 0xf0000 -Ttext 0xf0000 --oformat binary -o guest.bin guest.o
#
# Memory: page tables at 0x1000 to 0x4fff and 0x7000, the IDT at 0x5000, the TSS at 0x6000, the GDT at 0x6100, counters at
# 0x6200; stacks below 0x8000 (ring 0) and 0x9000 (ring 3).

	.set	EXIT, 0xf4		# isa-debug-exit
	.set	OK, 0x2a
	.set	HOLE, 0x40000000	# 1 GiB: mapped only by the page fault

	.text
	.code16
start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	gdt_pointer - start
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$0x08, $protected

	.code32
protected:
	mov	$0x10, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x8000, %esp

	# Page tables: the first GiB as pages of 2 MiB, open to ring 3, and the page of the local APIC in the fourth GiB.
	mov	$0x1000, %edi
	mov	%edi, %cr3
	xor	%eax, %eax
	mov	$0x2000, %ecx
	rep stosl			# 32 KiB: page tables, IDT, TSS
	movl	$0x2007, 0x1000		# PML4[0] -> PDPT
	movl	$0x3007, 0x2000		# PDPT[0] -> the first GiB
	movl	$0x4007, 0x2018		# PDPT[3] -> the fourth GiB
	mov	$0x3000, %edi
	mov	$0x87, %eax		# present, writable, user, large
	mov	$512, %ecx
1:	mov	%eax, (%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	1b
	movl	$0xfee0009b, 0x4fb8	# the local APIC: present, writable, uncached, large

	mov	%cr4, %eax
	or	$0x620, %eax		# PAE, OSFXSR, OSXMMEXCPT
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx	# EFER
	rdmsr
	or	$0x101, %eax		# LME, SCE
	wrmsr
	mov	%cr0, %eax
	or	$0x80000000, %eax	# PG
	mov	%eax, %cr0
	ljmp	$0x18, $long

	.code64
long:
	mov	$0x8000, %rsp
	# The IDT: 14 page fault, 13 and everything else failure, 0x20 timer.
	xor	%ecx, %ecx
1:	lea	unexpected(%rip), %rax
	call	gate
	inc	%ecx
	cmp	$256, %ecx
	jb	1b
	mov	$14, %ecx
	lea	page_fault(%rip), %rax
	call	gate
	mov	$0x20, %ecx
	lea	timer(%rip), %rax
	call	gate
	lidt	idt_pointer(%rip)

	# The TSS gives the way from ring 3 its stack. Its descriptor is in a copy of the GDT, as ROM takes no busy bit.
	movq	$0x8000, 0x6004
	lea	gdt(%rip), %rsi
	mov	$0x6100, %edi
	mov	$(gdt_end - gdt), %ecx
	rep movsb
	lgdt	gdt_copy(%rip)
	mov	$0x38, %ax
	ltr	%ax

	# 1: a page fault that is mended.
	mov	$1, %ebx
	mov	$HOLE, %eax
	movq	$0x5a5a, (%rax)
	cmpq	$0x5a5a, (%rax)
	jne	fail
	cmpl	$1, 0x6200		# the handler counts
	jne	fail

	# 2: ring 3 and back by SYSCALL.
	mov	$2, %ebx
	mov	$0xc0000081, %ecx	# STAR: kernel 0x18 (+8 for its stack), user 0x23+16, +8
	xor	%eax, %eax
	mov	$0x00230018, %edx
	wrmsr
	mov	$0xc0000082, %ecx	# LSTAR
	lea	system_call(%rip), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
	mov	$0xc0000084, %ecx	# FMASK
	mov	$0x200, %eax
	xor	%edx, %edx
	wrmsr
	pushq	$0x2b			# user stack segment
	pushq	$0x9000
	pushq	$0x2
	pushq	$0x33			# user code segment
	lea	user(%rip), %rax
	push	%rax
	iretq
user:
	syscall
	jmp	fail			# not reached: the kernel goes on by itself
system_call:
	mov	$0x8000, %rsp
	mov	$0x20, %ax
	mov	%ax, %ss

	# 3: the local APIC's timer wakes a halted processor, three times.
	mov	$3, %ebx
	mov	$0xfee00000, %esi
	movl	$0x1ff, 0xf0(%rsi)	# on, spurious vector 0xff
	movl	$0x0b, 0x3e0(%rsi)	# divide by 1
	movl	$0x20020, 0x320(%rsi)	# periodic, vector 0x20
	movl	$1000000, 0x380(%rsi)	# QEMU's ticks are nanoseconds
	sti
1:	hlt
	cmpl	$3, 0x6204
	jb	1b
	cli
	movl	$0, 0x380(%rsi)

	# 4: a hundred million instructions: a blink if they are run, minutes if each is emulated.
	mov	$4, %ebx
	mov	$50000000, %ecx
1:	dec	%ecx
	jnz	1b

	mov	$OK, %eax
	jmp	exit
unexpected:
fail:	mov	%ebx, %eax
exit:	mov	$EXIT, %dx
	out	%eax, %dx
1:	hlt
	jmp	1b

# gate writes gate %ecx of the IDT for the handler at %rax.
gate:	mov	%ecx, %edi
	shl	$4, %edi
	add	$0x5000, %edi
	mov	%ax, (%rdi)
	movw	$0x18, 2(%rdi)
	movw	$0x8e00, 4(%rdi)
	shr	$16, %rax
	mov	%ax, 6(%rdi)
	movl	$0, 8(%rdi)
	ret

page_fault:
	push	%rax
	mov	%cr2, %rax
	cmp	$HOLE, %eax
	jne	fail
	incl	0x6200
	movl	$0x7007, 0x2008		# PDPT[1] -> a table of its own
	movl	$0x200087, 0x7000	# which maps the second 2 MiB
	pop	%rax
	add	$8, %rsp		# the error code
	iretq

timer:	incl	0x6204
	push	%rsi
	mov	$0xfee00000, %esi
	movl	$0, 0xb0(%rsi)		# end of interrupt
	pop	%rsi
	iretq

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9a000000ffff	# 0x08 code of 32 bits
	.quad	0x00cf92000000ffff	# 0x10 data
	.quad	0x00af9a000000ffff	# 0x18 code of 64 bits
	.quad	0x00cf92000000ffff	# 0x20 data
	.quad	0x00cff2000000ffff	# 0x28 data of ring 3
	.quad	0x00affa000000ffff	# 0x30 code of 64 bits of ring 3
	.quad	0x0000890060000067	# 0x38 the TSS at 0x6000
	.quad	0
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	gdt
gdt_copy:
	.word	gdt_end - gdt - 1
	.quad	0x6100
idt_pointer:
	.word	0xfff
	.quad	0x5000
