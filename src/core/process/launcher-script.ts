/**
 * What the launcher runs: it is told programs on its stdin, and tells on its stdout how they fare. It is a text, as it
 * has to run on its own wherever this code has been bundled; and for Perl, which nearly every Linux has, as it starts
 * within 10 ms and copies itself in a third of the time that even an empty Node needs.
 *
 * To it, each message after its length in bytes and a line end, its fields divided by NUL:
 * - `env`, and `name=value` for each variable: the environment of those that follow;
 * - `start`, id, mark, folder, three pairs of a descriptor and what it leads to, program, arguments: start one. The
 *   descriptors are those of the process that it works for; where it sees another /proc they would be those of a
 *   stranger. Nothing in the place of one is `/dev/null`.
 *
 * From it, a line each:
 * - `ready`;
 * - `started`, id, its number;
 * - `ended`, id, its status as `wait` tells it; for one that was refused this means nothing;
 * - `refused`, id, the number of an error, or `open` where a descriptor could not be opened: it has not become the
 *   program. Its process may have told this itself, before it or after it is told that one was started;
 * - `idle`: it has had nothing to do for a second.
 *
 * It ends with its stdin. A signal that it gets was meant for the process that it works for, as the parent of the
 * programs that it would be without it. All signals are held back except while it waits: none is lost in between.
 */
export const launcherScript = String.raw`
use strict;
use Fcntl;
use POSIX ();
my $parent = shift;
$0 = 'batchx launcher';
my $none = POSIX::SigSet->new;
my $all = POSIX::SigSet->new;
$all->fillset;
POSIX::sigprocmask(POSIX::SIG_SETMASK(), $all);
my ($idle, %running);
$SIG{$_} = sub {} for qw(CHLD IO);
$SIG{ALRM} = sub { $idle = 1 };
for my $signal (qw(HUP INT QUIT TERM USR1 USR2)) {
  $SIG{$signal} = sub { kill $signal, $parent if getppid == $parent };
}
fcntl(STDIN, F_SETOWN, $$ + 0) && fcntl(STDIN, F_SETFL, O_NONBLOCK | O_ASYNC) or exit;
open my $out, '>&', \*STDOUT or exit;
sub tell_ { syswrite $out, "@_\n" }
my ($path, %found) = ('');
sub found {
  my ($name) = @_;
  return $name if $name =~ m{/};
  ($path, %found) = ($ENV{PATH}) if $path ne ($ENV{PATH} // '');
  return $found{$name} //= do {
    my @folders = split /:/, $path, -1;
    my ($first) = grep { -f && -x _ } map { "$_/$name" } @folders;
    defined $first && !grep({ !m{^/} } @folders) ? $first : $name;
  };
}
sub start {
  my ($id, $mark, $folder, @rest) = @_;
  exit if getppid != $parent;
  my @opened;
  for my $flags (O_RDONLY, O_WRONLY, O_WRONLY) {
    my ($fd, $file) = splice @rest, 0, 2;
    sysopen my $opened, $fd eq '' ? '/dev/null' : "/proc/$parent/fd/$fd", $flags or return tell_('refused', $id, 'open');
    my ($dev, $ino) = stat $opened;
    return tell_('refused', $id, 'open') if $fd ne '' && "$dev:$ino" ne $file;
    push @opened, $opened;
  }
  my $found = found($rest[0]);
  my $pid = fork;
  return tell_('refused', $id, $! + 0) unless defined $pid;
  if ($pid == 0) {
    POSIX::setsid();
    POSIX::dup2(fileno $opened[$_], $_) for 0 .. 2;
    $ENV{BATCHX_RUN} = $mark;
    POSIX::sigprocmask(POSIX::SIG_SETMASK(), $none);
    if ($folder eq '' || chdir $folder) {
      exec { $found } @rest;
      # It may have been moved since it was found.
      exec { $rest[0] } @rest;
    }
    tell_('refused', $id, $! + 0);
    POSIX::_exit(127);
  }
  $running{$pid} = $id;
  tell_('started', $id, $pid);
}
my $text = '';
tell_('ready');
alarm 1;
while (1) {
  while ($text =~ /^(\d+)\n/ && length $text >= $+[0] + $1) {
    my ($what, @fields) = split /\0/, substr($text, $+[0], $1), -1;
    substr $text, 0, $+[0] + $1, '';
    if ($what eq 'env') { %ENV = map { split /=/, $_, 2 } @fields }
    else { start(@fields) }
    alarm 1;
  }
  while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) {
    tell_('ended', delete $running{$pid}, $?);
    alarm 1;
  }
  tell_('idle') if $idle && !%running;
  $idle = 0;
  my $read = sysread STDIN, $text, 65536, length $text;
  exit if defined $read ? $read == 0 : $! != POSIX::EAGAIN();
  POSIX::sigsuspend($none) unless $read;
}
`;
