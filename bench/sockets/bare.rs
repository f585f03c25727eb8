//! The baseline of the machine: a loop that writes the same bytes to the same number of sockets, without rooms, people or a
//! database. It runs as a separate process on the server's core.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::process::{ChildStdin, Stdio};

use super::board::frame_of;
use crate::meter::process::Process;

/// A handle to the process with the loop. Dropping it kills the process.
pub struct BareLoop {
    pub process: Process,
    commands: ChildStdin,
    pub address: String,
}

impl BareLoop {
    /// Starts this program again as a loop for `socket_count` sockets that writes posts like `sample`.
    pub fn start(socket_count: usize, sample: &str) -> Self {
        let this = std::env::current_exe().expect("this program is somewhere");
        let mut process = Process::start(this, |command| {
            command.args(["--bare", &socket_count.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        });
        let mut lines = BufReader::new(process.take_output()).lines();
        let address = lines.next().expect("it says something").expect("in words");
        let mut commands = process.take_input();
        writeln!(commands, "{sample}").expect("it listens");
        Self { process, commands, address }
    }

    /// Makes it write these posts to all sockets.
    pub fn write(&self, posts: Range<u32>) {
        writeln!(&self.commands, "{} {}", posts.start, posts.end).expect("it listens");
    }
}

/// The loop itself: prints its address, accepts `socket_count` sockets, and writes the posts that its standard input names,
/// until that ends.
pub fn run(socket_count: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    let mut commands = io::stdin().lock().lines();
    let sample = commands.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let mut sockets = Vec::with_capacity(socket_count);
    while sockets.len() < socket_count {
        sockets.push(welcome(listener.accept()?.0)?);
    }
    for command in commands {
        let command = command?;
        let (first, end) = command.split_once(' ').ok_or(io::ErrorKind::InvalidInput)?;
        let number = |text: &str| text.parse::<u32>().map_err(io::Error::other);
        for post in number(first)?..number(end)? {
            let frame = text_frame(&frame_of(post, &sample));
            for socket in &mut sockets {
                socket.write_all(&frame)?;
            }
        }
    }
    Ok(())
}

/// Sends what the server sends until a socket has the room in view.
fn welcome(mut socket: TcpStream) -> io::Result<TcpStream> {
    socket.set_nodelay(true)?;
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        read_some(&mut socket, &mut received)?;
    }
    let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                  sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    socket.write_all(answer.as_bytes())?;
    socket.write_all(&text_frame(r#"{"type":"rooms"}"#))?;
    // The only frame is `focus`; its content does not matter here.
    read_some(&mut socket, &mut received)?;
    let caught_up = r#"{"type":"caught_up","room_id":1,"cursor":{"epoch":"","seq":0,"at":0}}"#;
    socket.write_all(&text_frame(caught_up))?;
    Ok(socket)
}

fn read_some(socket: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = [0; 1_024];
    let count = socket.read(&mut piece)?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    received.extend_from_slice(&piece[..count]);
    Ok(())
}

fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u16::try_from(text.len()).expect("frames are short here") {
        length @ 0..=125 => frame.push(length.to_be_bytes()[1]),
        length => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend_from_slice(text.as_bytes());
    frame
}
