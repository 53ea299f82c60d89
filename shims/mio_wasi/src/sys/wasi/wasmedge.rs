#![allow(dead_code)]
use std::cmp::{max, min};
use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::AtomicBool;
#[cfg(feature = "net")]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::Registry;
#[cfg(feature = "net")]
use crate::{Interest, Token};
use wasmedge_wasi_socket::wasi_poll as wasi;

cfg_net! {

pub mod tcp {
    use std::io;
    use std::net::SocketAddr;
    use wasmedge_wasi_socket::socket::{self, Socket};

    pub(crate) fn new_for_addr(address: SocketAddr) -> io::Result<Socket> {
        let domain = match address {
            SocketAddr::V4(_) => socket::AddressFamily::Inet4,
            SocketAddr::V6(_) => socket::AddressFamily::Inet6,
        };

        let s = socket::Socket::new(domain, socket::SocketType::Stream)?;
        s.set_nonblocking(true)?;
        Ok(s)
    }

    pub(crate) fn connect(socket: &Socket, addr: SocketAddr) -> io::Result<()> {
        match socket.connect(&addr) {
            Err(err) if err.raw_os_error() != Some(libc::EINPROGRESS) => Err(err),
            _ => Ok(()),
        }
    }
}
}

/// Unique id for use as `SelectorId`.
#[cfg(feature = "net")]
static NEXT_ID: AtomicUsize = AtomicUsize::new(1);

mod waker {
    use super::{Selector, Token};
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::Arc;

    /// Makes the next `select` return at once. A guest has one thread, so whoever wakes is never inside of `select`: a flag
    /// that it looks at before it waits is all that is needed.
    #[derive(Debug)]
    pub struct Waker {
        woken: Arc<AtomicBool>,
    }

    impl Waker {
        pub fn new(selector: &Selector, _: Token) -> io::Result<Waker> {
            Ok(Waker {
                woken: selector.woken.clone(),
            })
        }

        pub fn wake(&self) -> io::Result<()> {
            self.woken.store(true, Ordering::Release);
            Ok(())
        }
    }
}
pub use waker::Waker;

pub struct Selector {
    #[cfg(feature = "net")]
    id: usize,
    /// Subscriptions (reads events) we're interested in.
    subscriptions:
        Arc<Mutex<HashMap<wasi::Fd, (Token, Interest, Arc<AtomicBool>, Arc<AtomicUsize>)>>>,
    /// Set by a `Waker`, taken by the next `select`.
    woken: Arc<AtomicBool>,
}

impl Selector {
    fn subscriptions(&self) -> Vec<wasi::Subscription> {
        let subscriptions = self.subscriptions.lock().unwrap();
        let mut subs = Vec::with_capacity(subscriptions.len() * 2);
        for (fd, (_token, insterest, read_state, write_state)) in subscriptions.iter() {
            if insterest.is_readable() && read_state.load(Ordering::Acquire) {
                let s = wasi::Subscription {
                    userdata: *fd as wasi::Userdata,
                    u: wasi::SubscriptionU {
                        tag: wasi::EVENTTYPE_FD_READ,
                        u: wasi::SubscriptionUU {
                            fd_read: wasi::SubscriptionFdReadwrite {
                                file_descriptor: *fd,
                            },
                        },
                    },
                };
                subs.push(s);
            }

            if insterest.is_writable() && write_state.load(Ordering::Acquire) > 0 {
                let s = wasi::Subscription {
                    userdata: *fd as wasi::Userdata,
                    u: wasi::SubscriptionU {
                        tag: wasi::EVENTTYPE_FD_WRITE,
                        u: wasi::SubscriptionUU {
                            fd_read: wasi::SubscriptionFdReadwrite {
                                file_descriptor: *fd,
                            },
                        },
                    },
                };
                subs.push(s);
            }
        }

        subs
    }

    pub fn new() -> io::Result<Selector> {
        Ok(Selector {
            #[cfg(feature = "net")]
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            subscriptions: Default::default(),
            woken: Default::default(),
        })
    }

    pub fn try_clone(&self) -> io::Result<Selector> {
        Ok(Selector {
            id: self.id,
            subscriptions: self.subscriptions.clone(),
            woken: self.woken.clone(),
        })
    }

    #[cfg(feature = "net")]
    pub fn id(&self) -> usize {
        self.id
    }

    pub fn select(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();

        let mut subscriptions = self.subscriptions();
        let timeout = match self.woken.swap(false, Ordering::AcqRel) {
            true => Some(Duration::ZERO),
            false => timeout,
        };

        // If we want to a use a timeout in the `wasi_poll_oneoff()` function
        // we need another subscription to the list.
        if let Some(timeout) = timeout {
            subscriptions.push(timeout_subscription(timeout));
        }

        // `poll_oneoff` needs the same number of events as subscriptions.
        let length = subscriptions.len();
        events.reserve(length);

        debug_assert!(events.capacity() >= length);

        let res = unsafe { wasi::poll(subscriptions.as_ptr(), events.as_mut_ptr(), length) };

        match res {
            Ok(n_events) => {
                // Safety: `poll_oneoff` initialises the `events` for us.
                unsafe { events.set_len(n_events) };

                if events.iter().any(|event| event.error == ERRNO_INTR) {
                    // No event is true then, and none is lost: the sockets are asked about anew.
                    events.clear();
                    settle(&mut subscriptions)?;
                    return Err(io::ErrorKind::Interrupted.into());
                }

                let registered = self.subscriptions.lock().unwrap();

                events.retain_mut(|ev| {
                    if is_timeout_event(ev) {
                        return false;
                    }
                    let fd = ev.userdata as wasi::Fd;
                    let Some((token, _interest, read_state, write_state)) = registered.get(&fd)
                    else {
                        return false;
                    };
                    match ev.error {
                        0 => {}
                        // The runtime could not look after this socket this time.
                        ERRNO_EXIST | ERRNO_NOMEM => return false,
                        // The socket itself is broken: whoever uses it learns why.
                        _ => ev.fd_readwrite.flags = wasi::EVENTRWFLAGS_FD_READWRITE_HANGUP,
                    }
                    match ev.type_ {
                        wasi::EVENTTYPE_FD_READ => read_state.store(false, Ordering::Release),
                        wasi::EVENTTYPE_FD_WRITE => {
                            write_state.fetch_sub(1, Ordering::Release);
                        }
                        _ => return false,
                    }
                    ev.userdata = token.0 as wasi::Userdata;
                    true
                });

                Ok(())
            }
            Err(err) if err.kind() == io::ErrorKind::InvalidInput && length == 0 => {
                // return Ok when there is no subscriptions
                // otherwise, poll will return an error.
                Ok(())
            }
            Err(err) => Err(err),
        }
    }

    #[cfg(feature = "net")]
    pub fn register(
        &self,
        fd: wasi::Fd,
        token: Token,
        interests: Interest,
        (read_state, write_state): (Arc<AtomicBool>, Arc<AtomicUsize>),
    ) -> io::Result<()> {
        let mut subscriptions = self.subscriptions.lock().unwrap();
        subscriptions.insert(fd, (token, interests, read_state, write_state));

        Ok(())
    }

    #[cfg(feature = "net")]
    pub fn reregister(
        &self,
        fd: wasi::Fd,
        token: Token,
        interests: Interest,
        (read_state, write_state): (Arc<AtomicBool>, Arc<AtomicUsize>),
    ) -> io::Result<()> {
        self.deregister(fd)
            .and_then(|()| self.register(fd, token, interests, (read_state, write_state)))
    }

    #[cfg(feature = "net")]
    pub fn deregister(&self, fd: wasi::Fd) -> io::Result<()> {
        let mut ret = Err(io::ErrorKind::NotFound.into());

        let s = self.subscriptions.lock().unwrap().remove(&fd);

        if s.is_some() {
            ret = Ok(())
        }

        ret
    }
    pub fn register_waker(&self) -> bool {
        false
    }
}

/// Token used to a add a timeout subscription, also used in removing it again.
const TIMEOUT_TOKEN: wasi::Userdata = wasi::Userdata::max_value();

/// Returns a `wasi::Subscription` for `timeout`.
fn timeout_subscription(timeout: Duration) -> wasi::Subscription {
    wasi::Subscription {
        userdata: TIMEOUT_TOKEN,
        u: wasi::SubscriptionU {
            tag: wasi::EVENTTYPE_CLOCK,
            u: wasi::SubscriptionUU {
                clock: wasi::SubscriptionClock {
                    id: wasi::CLOCKID_MONOTONIC,
                    // Timestamp is in nanoseconds.
                    timeout: max(
                        min(wasi::Timestamp::MAX as u128, timeout.as_nanos()) as wasi::Timestamp,
                        10,
                    ),
                    // Give the implementation another millisecond to coalesce
                    // events.
                    precision: Duration::from_millis(1).as_nanos() as wasi::Timestamp,
                    // Zero means the `timeout` is considered relative to the
                    // current time.
                    flags: 0,
                },
            },
        },
    }
}

/// `__WASI_ERRNO_EXIST`, `__WASI_ERRNO_INTR` and `__WASI_ERRNO_NOMEM`.
const ERRNO_EXIST: wasi::Errno = 20;
const ERRNO_INTR: wasi::Errno = 27;
const ERRNO_NOMEM: wasi::Errno = 48;

/// Brings WasmEdge's poller back to order after it was interrupted.
///
/// WasmEdge 0.17 keeps its poller for the next call. When `epoll_wait` is interrupted it returns without clearing the
/// poller's table of sockets, which points at where the events of that call were kept. So the next call refuses each socket
/// (`EXIST`) and writes what happens through the old pointers. A call with the same subscriptions in the same order, which
/// makes the pointers right again, and with a time limit that has passed clears the table. What it answers is of no interest:
/// sockets that are ready are ready at the next call too.
fn settle(subscriptions: &mut Vec<wasi::Subscription>) -> io::Result<()> {
    // In the place of the last one: a longer list would move what the pointers point at.
    subscriptions.pop();
    subscriptions.push(timeout_subscription(Duration::ZERO));
    let length = subscriptions.len();
    let mut events = Events::with_capacity(length);
    loop {
        let n_events =
            match unsafe { wasi::poll(subscriptions.as_ptr(), events.as_mut_ptr(), length) } {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                answer => answer?,
            };
        // Safety: `poll_oneoff` initialises the `events` for us.
        unsafe { events.set_len(n_events) };
        if events.iter().all(|event| event.error != ERRNO_INTR) {
            return Ok(());
        }
        events.clear();
    }
}

fn is_timeout_event(event: &wasi::Event) -> bool {
    event.type_ == wasi::EVENTTYPE_CLOCK && event.userdata == TIMEOUT_TOKEN
}

pub type Events = Vec<Event>;
pub type Event = wasi::Event;

pub mod event {
    use std::fmt;

    use crate::sys::Event;
    use crate::Token;
    use wasmedge_wasi_socket::wasi_poll as wasi;

    pub fn token(event: &Event) -> Token {
        Token(event.userdata as usize)
    }

    pub fn is_readable(event: &Event) -> bool {
        event.type_ == wasi::EVENTTYPE_FD_READ
    }

    pub fn is_writable(event: &Event) -> bool {
        event.type_ == wasi::EVENTTYPE_FD_WRITE
    }

    pub fn is_error(_: &Event) -> bool {
        // Not supported? It could be that `wasi::Event.error` could be used for
        // this, but the docs say `error that occurred while processing the
        // subscription request`, so it's checked in `Select::select` already.
        false
    }

    pub fn is_read_closed(event: &Event) -> bool {
        event.type_ == wasi::EVENTTYPE_FD_READ
            // Safety: checked the type of the union above.
            && (event.fd_readwrite.flags & wasi::EVENTRWFLAGS_FD_READWRITE_HANGUP) != 0
    }

    pub fn is_write_closed(event: &Event) -> bool {
        event.type_ == wasi::EVENTTYPE_FD_WRITE
            // Safety: checked the type of the union above.
            && (event.fd_readwrite.flags & wasi::EVENTRWFLAGS_FD_READWRITE_HANGUP) != 0
    }

    pub fn is_priority(_: &Event) -> bool {
        // Not supported.
        false
    }

    pub fn is_aio(_: &Event) -> bool {
        // Not supported.
        false
    }

    pub fn is_lio(_: &Event) -> bool {
        // Not supported.
        false
    }

    pub fn debug_details(f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
        debug_detail!(
            TypeDetails(wasi::Eventtype),
            PartialEq::eq,
            wasi::EVENTTYPE_CLOCK,
            wasi::EVENTTYPE_FD_READ,
            wasi::EVENTTYPE_FD_WRITE,
        );

        #[allow(clippy::trivially_copy_pass_by_ref)]
        fn check_flag(got: &wasi::Eventrwflags, want: &wasi::Eventrwflags) -> bool {
            (got & want) != 0
        }
        debug_detail!(
            EventrwflagsDetails(wasi::Eventrwflags),
            check_flag,
            wasi::EVENTRWFLAGS_FD_READWRITE_HANGUP,
        );

        struct EventFdReadwriteDetails(wasi::EventFdReadwrite);

        impl fmt::Debug for EventFdReadwriteDetails {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("EventFdReadwrite")
                    .field("nbytes", &self.0.nbytes)
                    .field("flags", &self.0.flags)
                    .finish()
            }
        }

        f.debug_struct("Event")
            .field("userdata", &event.userdata)
            .field("error", &event.error)
            .field("type", &TypeDetails(event.type_))
            .field("fd_readwrite", &EventFdReadwriteDetails(event.fd_readwrite))
            .finish()
    }
}

cfg_os_poll! {
    cfg_io_source! {

pub struct IoSourceState {
    readstate: Arc<AtomicBool>,
    writestate: Arc<AtomicUsize>,
}

impl IoSourceState {
    pub fn new() -> IoSourceState {
        IoSourceState {
            readstate: Arc::new(AtomicBool::new(true)),
            writestate: Arc::new(AtomicUsize::new(2)),
        }
    }

    pub fn do_io<T, F, R>(&self, f: F, io: &T) -> io::Result<R>
    where
        F: FnOnce(&T) -> io::Result<R>,
    {
        // We don't hold state, so we can just call the function and
        // return.
        let r = f(io);
        match &r {
            Ok(_) => {
                self.readstate.store(true, Ordering::Release);
                self.writestate.store(2, Ordering::Release);
            }
            Err(e) => {
                if e.kind() == std::io::ErrorKind::WouldBlock {
                    self.readstate.store(true, Ordering::Release);
                    self.writestate.store(2, Ordering::Release);
                }
            }
        }

        r
    }

    pub fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
        fd: RawFd,
    ) -> io::Result<()> {
        registry.selector().register(
            fd as _,
            token,
            interests,
            (self.readstate.clone(), self.writestate.clone()),
        )
    }

    pub fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
        fd: RawFd,
    ) -> io::Result<()> {
        registry.selector().reregister(
            fd as _,
            token,
            interests,
            (self.readstate.clone(), self.writestate.clone()),
        )
    }

    pub fn deregister(&mut self, registry: &Registry, fd: RawFd) -> io::Result<()> {
        registry.selector().deregister(fd as _)
    }
}

    }
}
