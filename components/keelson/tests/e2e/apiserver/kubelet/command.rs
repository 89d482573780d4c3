//! Commands, which run on this machine as they would in a container.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tokio::sync::mpsc;

use super::spdy::{Connection, Frame};
use super::{Head, Shared, Stream, switch};

/// What the command says: on a stream, whose end is nothing at all.
type Said = (u32, Option<Vec<u8>>);

/// Streams by their numbers.
#[derive(Default)]
struct Streams {
    error: u32,
    stdin: Option<u32>,
    stdout: Option<u32>,
    stderr: Option<u32>,
    resize: Option<u32>,
}

/// Runs a command; what is attached to is `cat`.
pub(super) async fn serve(stream: Stream, shared: &Shared, head: &Head) {
    let Some(stream) = switch(stream, head).await else {
        return;
    };
    let mut connection = Connection::new(stream, &shared.tasks);
    if speak(&mut connection, head).await.is_none() {
        shared.heard.lock().push("cut off".to_owned());
    }
    // The client ends the connection.
    while connection.next().await.is_some() {}
}

/// None where the connection ends before the command.
async fn speak(connection: &mut Connection, head: &Head) -> Option<()> {
    let mut early = Vec::new();
    let streams = open(connection, head, &mut early).await?;
    let mut words = head.values("command");
    if words.is_empty() {
        words.push("cat".to_owned());
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    if let Some(resize) = streams.resize {
        let (width, height) = size(connection, resize, &mut early).await?;
        command.env("COLUMNS", width).env("LINES", height);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let code = match command.spawn() {
        Ok(child) => Ok(run(connection, &streams, child, early).await?),
        Err(error) => Err(error),
    };
    for stream in [streams.stdout, streams.stderr].into_iter().flatten() {
        connection.say(stream, b"", true).await?;
    }
    let status = match code {
        Ok(0) => json!({"metadata": {}, "status": "Success"}),
        Ok(code) => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
        Err(error) => json!({
            "metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
            "message": format!("Internal error occurred: error executing command in container: {error}"),
        }),
    };
    connection.say(streams.error, status.to_string().as_bytes(), true).await
}

/// Takes the streams that were announced, which clients open in this order.
async fn open(connection: &mut Connection, head: &Head, early: &mut Vec<Frame>) -> Option<Streams> {
    let mut streams = Streams::default();
    let tty = head.flag("tty");
    let mut expected = vec!["error"];
    let wanted = [
        ("input", head.flag("input")),
        ("output", head.flag("output")),
        ("stderr", head.flag("error") && !tty),
        ("resize", tty),
    ];
    expected.extend(wanted.iter().filter(|(_, wanted)| *wanted).map(|(kind, _)| *kind));
    let mut expected = expected.into_iter();
    while expected.len() > 0 {
        match connection.next().await? {
            Frame::Open(id) => {
                connection.take(id).await?;
                match expected.next()? {
                    "error" => streams.error = id,
                    "input" => streams.stdin = Some(id),
                    "output" => streams.stdout = Some(id),
                    "stderr" => streams.stderr = Some(id),
                    _ => streams.resize = Some(id),
                }
            }
            data @ Frame::Data(..) => early.push(data),
        }
    }
    Some(streams)
}

/// The first size that the terminal is said to have.
async fn size(connection: &mut Connection, resize: u32, early: &mut Vec<Frame>) -> Option<(String, String)> {
    loop {
        match connection.next().await? {
            Frame::Data(id, bytes, false) if id == resize => {
                let size: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                return Some((size["Width"].to_string(), size["Height"].to_string()));
            }
            other => early.push(other),
        }
    }
}

/// Hands on what is said until the command has ended; gives its exit code.
async fn run(connection: &mut Connection, streams: &Streams, mut child: Child, early: Vec<Frame>) -> Option<i32> {
    let (sender, mut said) = mpsc::channel::<Said>(16);
    // A terminal has one output.
    let outputs: [(Box<dyn Read + Send>, Option<u32>); 2] = [
        (Box::new(child.stdout.take().unwrap()), streams.stdout),
        (
            Box::new(child.stderr.take().unwrap()),
            streams.stderr.or(streams.stdout),
        ),
    ];
    let mut open = outputs.len();
    for (output, stream) in outputs {
        let sender = sender.clone();
        std::thread::spawn(move || tell(output, stream.unwrap_or_default(), &sender));
    }
    let mut input = Some(input(&mut child));
    if streams.stdin.is_none() {
        input = None;
    }
    let mut hear = |frame: Frame| {
        if let Frame::Data(id, bytes, is_last) = frame
            && Some(id) == streams.stdin
        {
            if let Some(input) = &input {
                let _ = input.send(bytes);
            }
            if is_last {
                input = None;
            }
        }
    };
    early.into_iter().for_each(&mut hear);
    while open > 0 {
        tokio::select! {
            frame = connection.next() => if let Some(frame) = frame {
                hear(frame);
            } else {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            },
            Some((stream, bytes)) = said.recv() => match bytes {
                Some(bytes) if stream != 0 => connection.say(stream, &bytes, false).await?,
                Some(_) => {}
                None => open -= 1,
            },
        }
    }
    child.wait().unwrap().code()
}

fn tell(mut output: Box<dyn Read + Send>, stream: u32, sender: &mpsc::Sender<Said>) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = output.read(&mut buffer) {
        if sender.blocking_send((stream, Some(buffer[..read].to_vec()))).is_err() {
            return;
        }
    }
    let _ = sender.blocking_send((stream, None));
}

/// What is sent is what the command reads; its input ends with the sender.
fn input(child: &mut Child) -> std::sync::mpsc::Sender<Vec<u8>> {
    let (sender, receiver) = std::sync::mpsc::channel::<Vec<u8>>();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || {
        while let Ok(bytes) = receiver.recv() {
            if stdin.write_all(&bytes).is_err() {
                break;
            }
        }
    });
    sender
}
