// Playing begins; without sound where the browser allows it only so.

// say(text), and mention(text) for a moment.
export async function startPlaying(video, { say, mention }) {
  const tell = (error) => isOver(error) || say(`Playing did not begin: ${error.message}`);
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError" || video.muted) {
      tell(error);
      return;
    }
    video.muted = true;
    mention("This browser plays only without sound at first. Press M to hear it.");
    await video.play().catch(tell);
  }
}

// Paused again; or see faults.js.
function isOver({ name }) {
  return name === "AbortError" || name === "NotSupportedError";
}
